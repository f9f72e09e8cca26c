"""What a container's header holds, as bytes: grids, channels, networks and sources."""

__all__ = []
