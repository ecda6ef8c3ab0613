# SPDX-License-Identifier: MIT
"""The bench's requests by httpx, which the package openai sits on. peer.py has the command line."""

import asyncio

import httpx

import peer


async def main():
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=None, trust_env=False) as client:

        async def post(url):
            reply = await client.post(url, content=peer.BODY, headers=peer.HEADERS)
            return reply.json()

        await peer.run("httpx", post)


asyncio.run(main())
