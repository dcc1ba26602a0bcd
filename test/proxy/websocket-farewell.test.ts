import { describe, expect, test } from 'vitest'
import { startRawOrigin, type RawConnection, type RawOrigin } from '../origins/raw-origin.ts'
import { frame, readFrames, type Frame } from '../support/frames.ts'
import { nothingLeft } from './leftovers.ts'
import { eventually, request, startGateway, type Gateway } from './support.ts'

/** What both ends of a WebSocket hear when the gateway stops, byte by byte. */

const handshake = (version = '13'): string =>
  request('GET /chat', [
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Version: ${version}`,
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ])

const switching = (extensions: readonly string[]): string =>
  ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Accept: x']
    .concat(extensions.map((one) => `Sec-WebSocket-Extensions: ${one}`))
    .map((line) => `${line}\r\n`)
    .join('')
    .concat('\r\n')

const heardBy = ({ received }: RawConnection): readonly Frame[] => {
  const text = received()
  const { frames, rest } = readFrames(Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1'))
  expect(rest.toString('latin1')).toBe('')
  return frames
}

const goingAway: Frame = { opcode: 8, payload: Buffer.from([0x03, 0xe9]) }

interface Pair {
  readonly gateway: Gateway
  readonly origin: RawOrigin
  readonly visitor: RawConnection
  readonly behind: RawConnection
}

const openPair = async (extensions: readonly string[] = [], version = '13'): Promise<Pair> => {
  const origin = await startRawOrigin(async ({ socket, until }) => {
    await until('\r\n\r\n')
    socket.write(switching(extensions))
  })
  const gateway = await startGateway(origin.url)
  const visitor = await gateway.visit()
  visitor.socket.write(handshake(version))
  await visitor.until('\r\n\r\n')
  return { gateway, origin, visitor, behind: origin.connections[0]! }
}

/** The sockets' own halves close when the gateway closes, as those of any polite peer. */
const finish = async ({ gateway, origin, visitor }: Pair): Promise<void> => {
  expect(await nothingLeft(gateway)).toBe(true)
  visitor.socket.destroy()
  await origin[Symbol.asyncDispose]()
}

describe('when the gateway stops', () => {
  test.each([
    ['nothing has been said', []],
    ['messages are compressed', ['permessage-deflate; server_no_context_takeover']],
  ])('both ends hear that it goes away where %s', async (_name, extensions) => {
    const pair = await openPair(extensions)
    await pair.gateway.proxy.close(60_000)
    await pair.visitor.closed()
    await pair.behind.closed()
    expect(heardBy(pair.visitor)).toEqual([goingAway])
    expect(heardBy(pair.behind)).toEqual([goingAway])
    await finish(pair)
  })

  test('a frame under way is brought to its end first, both ways, and what comes behind it is not begun', async () => {
    const pair = await openPair()
    const said = frame('x'.repeat(70_000))
    const asked = frame('y'.repeat(300), { masked: true })
    pair.behind.socket.write(said.subarray(0, 40_000))
    pair.visitor.socket.write(asked.subarray(0, 3))
    await eventually(() => pair.visitor.received().split('\r\n\r\n')[1]!.length === 40_000)
    await eventually(() => pair.behind.received().split('\r\n\r\n')[1]!.length === 3)
    const closing = pair.gateway.proxy.close(60_000)
    pair.behind.socket.write(Buffer.concat([said.subarray(40_000), frame('too late')]))
    pair.visitor.socket.write(Buffer.concat([asked.subarray(3), frame('too late', { masked: true })]))
    await closing
    await pair.visitor.closed()
    await pair.behind.closed()
    expect(heardBy(pair.visitor)).toEqual([
      { opcode: 1, payload: Buffer.from('x'.repeat(70_000)) },
      goingAway,
    ])
    expect(heardBy(pair.behind)).toEqual([{ opcode: 1, payload: Buffer.from('y'.repeat(300)) }, goingAway])
    await finish(pair)
  })

  test('a frame that does not come to its end is not waited for, and nothing is written into it', async () => {
    const pair = await openPair()
    pair.behind.socket.write(frame('x'.repeat(1_000)).subarray(0, 500))
    await eventually(() => pair.visitor.received().split('\r\n\r\n')[1]!.length === 500)
    await pair.gateway.proxy.close(60_000)
    await pair.visitor.closed()
    expect(pair.visitor.received().split('\r\n\r\n')[1]).toMatch(/^[^x]{4}x{496}$/s)
    expect(heardBy(pair.behind)).toEqual([goingAway])
    await finish(pair)
  })

  test('who has heard a close from the other side hears no second', async () => {
    const pair = await openPair()
    const bye = frame(Buffer.from([0x03, 0xe8]), { opcode: 8 })
    pair.behind.socket.write(bye)
    await eventually(() => pair.visitor.received().split('\r\n\r\n')[1]!.length === bye.length)
    await pair.gateway.proxy.close(60_000)
    await pair.visitor.closed()
    expect(heardBy(pair.visitor)).toEqual([{ opcode: 8, payload: Buffer.from([0x03, 0xe8]) }])
    await finish(pair)
  })

  test.each<[string, readonly string[], string]>([
    ['an extension that nobody here knows', ['permessage-deflate, bbf-usp-protocol'], '13'],
    ['an older version', [], '8'],
    ['no version', [], ''],
  ])(
    'in a language of %s nothing is said: both ends just see the end',
    async (_name, extensions, version) => {
      const pair = await openPair(extensions, version)
      await pair.gateway.proxy.close(60_000)
      await pair.visitor.closed()
      await pair.behind.closed()
      expect(heardBy(pair.visitor)).toEqual([])
      expect(heardBy(pair.behind)).toEqual([])
      await finish(pair)
    },
  )
})
