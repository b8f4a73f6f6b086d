from seawall.stores.memory.board import MemoryBoard


def test_each_side_reads_the_newest_notes_of_the_others() -> None:
    one = MemoryBoard()
    two, three = one.beside(), one.beside()
    one.publish(b"a")
    one.publish(b"b")
    three.publish(b"c")

    assert one.read_others() == [b"c"]
    assert two.read_others() == [b"b", b"c"]
    assert three.read_others() == [b"b"]
