from seawall.core.receipt import Receipt


def test_a_receipt_names_its_attempt_and_what_is_held_for_it() -> None:
    receipt = Receipt("req_1-1", 10, 20)

    assert (receipt.id, receipt.nusd, receipt.tokens) == ("req_1-1", 10, 20)
