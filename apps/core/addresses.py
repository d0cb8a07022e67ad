"""Addresses of the internet as they are counted."""

import ipaddress


def network_of(address: str, *, v4: int = 32) -> str:
    """The /64 of an IPv6 address, for who has one of it has them all; the `/v4` of an IPv4 one; anything else stands for itself."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, v4 if ip.version == 4 else 64), strict=False))
