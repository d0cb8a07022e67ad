"""What the processes of an installation are given."""

from apps.core.embedded import children


def test_threads_of_the_web_keep_their_own_connections_unless_the_operator_wants_a_pool():
    assert children.of_web({"A": "b"}) == {"A": "b", "DATABASE_POOL_SIZE": "0"}
    assert children.of_web({"DATABASE_POOL_SIZE": "4"}) == {"DATABASE_POOL_SIZE": "4"}
