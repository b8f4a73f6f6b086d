"""What is legal but unsafe, as tables of small rules by topic. A finding says what, where and how to mend it."""
