"""From what people paste to what is wrong: messages as data, ranked causes, topics."""
