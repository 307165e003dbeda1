"""Python runs this before moto's server: moto looks at a condition and writes in two steps, DynamoDB does both in one."""
import threading

try:
    from moto.dynamodb.responses import DynamoHandler
except ImportError:
    pass
else:
    one_at_a_time = threading.RLock()
    call_action = DynamoHandler.call_action

    def call_action_alone(handler):
        with one_at_a_time:
            return call_action(handler)

    DynamoHandler.call_action = call_action_alone
