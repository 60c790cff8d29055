from analytics.ingest.rate import RateLimiter


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_of_twice_the_rate_passes() -> None:
    clock = Clock()
    limiter = RateLimiter(5, clock=clock)

    assert [limiter.allow("a") for _ in range(12)] == [True] * 10 + [False] * 2
    clock.now += 1
    assert [limiter.allow("a") for _ in range(6)] == [True] * 5 + [False]


def test_each_client_has_its_own_bucket() -> None:
    limiter = RateLimiter(1, clock=Clock())

    assert [limiter.allow("a") for _ in range(3)] == [True, True, False]
    assert limiter.allow("b")


def test_zero_means_no_limit() -> None:
    limiter = RateLimiter(0, clock=Clock())

    assert all(limiter.allow("a") for _ in range(1000))


def test_the_limiter_drops_the_least_recent_clients() -> None:
    limiter = RateLimiter(1, max_clients=100, clock=Clock())
    assert [limiter.allow("steady") for _ in range(3)] == [True, True, False]

    for number in range(10_000):
        limiter.allow(f"client {number}")
        if number % 50 == 0:
            assert not limiter.allow("steady")

    assert len(limiter._buckets) == 100
