"""Smart meters: files of any common form -> panels of meters on one regular grid."""
