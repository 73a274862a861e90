"""What is known of NVIDIA's stack and of every framework build, each row with its evidence."""
