import fc from 'fast-check'
import { expect, test } from 'vitest'
import { farewell, maskedFarewell, walkFrames } from '../../src/proxy/websocket-frames.ts'
import { frame, readFrames } from '../support/frames.ts'

const anyFrame = fc
  .record({
    size: fc.oneof(fc.nat(130), fc.constantFrom(125, 126, 65_535, 65_536)),
    opcode: fc.constantFrom(0, 1, 2, 9, 10),
    masked: fc.boolean(),
  })
  .map(({ size, ...options }) => frame(Buffer.alloc(size, 7), options))

const boundariesOf = (frames: readonly Buffer[]): ReadonlySet<number> => {
  let at = 0
  return new Set([0, ...frames.map(({ length }) => (at += length))])
}

test('knows after every piece whether it stands between two frames, however they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 8 }),
      fc.array(fc.nat(300), { maxLength: 60 }),
      (frames, cuts) => {
        const bytes = Buffer.concat(frames)
        const boundaries = boundariesOf(frames)
        const walk = walkFrames()
        let at = 0
        for (const cut of [...cuts, bytes.length]) {
          const piece = bytes.subarray(at, at + cut)
          walk.pass(piece)
          at += piece.length
          expect([at, walk.between]).toEqual([at, boundaries.has(at)])
        }
      },
    ),
  )
})

test('finishes the frame under way, and takes no byte of the next', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 5 }), fc.nat(), (frames, anywhere) => {
      const bytes = Buffer.concat(frames)
      const boundaries = [...boundariesOf(frames)]
      const at = anywhere % bytes.length
      const walk = walkFrames()
      walk.pass(bytes.subarray(0, at))
      expect(at + walk.finish(bytes.subarray(at))).toBe(boundaries.find((boundary) => boundary > at))
      expect(walk.between).toBe(true)
    }),
  )
})

test('a side that has closed has said its last word, with whatever reason it gave', () => {
  const close = frame(Buffer.from('\x03\xe8bye', 'latin1'), { opcode: 8 })
  const walk = walkFrames()
  walk.pass(close.subarray(0, 3))
  expect([walk.over, walk.between]).toEqual([false, false])
  expect(walk.finish(Buffer.concat([close.subarray(3), Buffer.from('noise')]))).toBe(close.length - 3)
  expect(walk.over).toBe(true)
})

test('our own last word is one frame that says 1001, masked towards an origin', () => {
  for (const word of [farewell, maskedFarewell()]) {
    const { frames, rest } = readFrames(word)
    expect(frames.map(({ opcode, payload }) => [opcode, payload.readUInt16BE(0)])).toEqual([[8, 1001]])
    expect(rest).toHaveLength(0)
  }
  expect(farewell[1]! & 0x80).toBe(0)
  expect(maskedFarewell()[1]! & 0x80).toBe(0x80)
  expect(maskedFarewell()).not.toEqual(maskedFarewell())
})
