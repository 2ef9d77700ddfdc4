"""The peer benchmark: the same calls through our package and through other clients of DynamoDB.

``registry`` names the clients and workloads, ``stub`` answers them, a ``worker`` process runs each client,
``measuring`` drives the workers in turns, ``verdict`` compares with what is promised, ``report`` and ``chart`` show
it. ``python3 tools/bench.py`` is the command; the modules beside these hold one client, or one kind of them, each.
"""
