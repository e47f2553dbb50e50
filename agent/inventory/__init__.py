"""Which machines are the farm's: of the configuration, of files, of imports."""
