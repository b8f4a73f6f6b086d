from seawall.core.rate import Bucket, Rate


def test_a_bucket_is_known_by_its_name() -> None:
    bucket = Bucket("user:k_1/ab12#requests", Rate(per_minute=20, burst=5))

    assert (bucket.name, bucket.rate.per_minute, bucket.rate.burst) == ("user:k_1/ab12#requests", 20, 5)
