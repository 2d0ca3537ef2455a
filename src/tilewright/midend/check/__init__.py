"""An independent judge of plans: shares nothing with what makes them but the tile geometry."""
