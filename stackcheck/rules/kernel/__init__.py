"""The kernel module and the driver's installation."""
