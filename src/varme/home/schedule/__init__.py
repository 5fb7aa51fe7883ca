"""The plan of a home: model, planner, reasons, prices."""
