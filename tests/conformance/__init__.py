"""What AWS answers, case by case: our stand-in for conformance tests of the service.

A case (``words``) is one raw request, after some that prepare, and the answer that AWS gives:
status, code, message, members. Expected answers come from AWS's documents and from public
suites that ran on AWS; each group names its source; none comes from an emulator alone. Where
AWS's wording is not known, only the code is compared.

``python -m tests.conformance`` runs the cases on engines and prints scores; as tests they run
on our engine, where all must pass. How the others deviate is a table in ``deviations``.
"""
