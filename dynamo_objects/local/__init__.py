"""The embedded engine: DynamoDB's JSON protocol in the process, bytes in and bytes out.

It knows nothing of records and could be shipped alone. A request goes through

``engine``
    finds the handler of the operation and makes the reply, also of errors (``errors``);
``requests``
    checks members and their types as the service's front does, with its wording;
``values``, ``expressions``, ``legacy``
    check and normalise attribute values, and turn texts into the trees of ``..expressions``;
``items``, ``search``, ``batches``, ``transactions``, ``tables``
    carry it out, on definitions (``definitions``), counting capacity (``capacity``);
``storage``
    keeps ordered entries, in memory or in a SQL database.

On request it simulates what is hard to come by: throttling (``throughput``), tables and
indexes that take time, TTL, and faults.
"""
