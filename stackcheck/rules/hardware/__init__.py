"""The board and the bus that it sits on."""
