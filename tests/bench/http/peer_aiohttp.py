# SPDX-License-Identifier: MIT
"""The bench's requests by aiohttp. peer.py has the command line."""

import asyncio

import aiohttp

import peer


async def main():
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def post(url):
            async with session.post(url, data=peer.BODY, headers=peer.HEADERS) as reply:
                return await reply.json()

        await peer.run("aiohttp", post)


asyncio.run(main())
