"""Python runs this before moto's server, for what the tests need changed in it."""
import threading
from functools import lru_cache

try:
    from moto.dynamodb.responses import DynamoHandler
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication
    from werkzeug.serving import WSGIRequestHandler
except ImportError:
    pass
else:
    # moto looks at a condition and writes in two steps, DynamoDB does both in one.
    one_at_a_time = threading.RLock()
    call_action = DynamoHandler.call_action

    def call_action_alone(handler):
        with one_at_a_time:
            return call_action(handler)

    DynamoHandler.call_action = call_action_alone

    # For each request moto lists its folders and tries the patterns of all services, and prints a line that nobody reads.
    DomainDispatcherApplication.get_backend_for_host = lru_cache(DomainDispatcherApplication.get_backend_for_host)
    WSGIRequestHandler.log_request = lambda *_: None
