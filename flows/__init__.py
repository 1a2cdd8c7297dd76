"""The flows: one file each, the order of the steps; and what their commands share."""
