"""The journal of a MemoryTable: what it has accepted survives the death of the process.

``lines`` is the format, ``reading`` what a file holds, ``files`` how it is written safely, ``opening`` how one begins;
``home`` is what it is bound to, ``changes`` what of a plan is kept, ``journal`` the whole.
``conflicts`` is the file of what a recovery may not replay; ``points`` are for tests.
"""
