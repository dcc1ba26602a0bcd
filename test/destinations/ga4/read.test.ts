import { expect, test } from 'vitest'
import { read } from '../../../src/destinations/ga4/read.ts'
import { deliver, minimalEvent } from '../events.ts'

const event = deliver(minimalEvent)
const answer = (status: number, body = '', headers = {}) => ({ status, headers, body })

test.each([
  [204, 'delivered'],
  [200, 'delivered'],
  [302, 'unavailable'],
  [400, 'rejected'],
  [401, 'unauthorized'],
  [403, 'rejected'],
  [404, 'rejected'],
  [408, 'unavailable'],
  [413, 'rejected'],
  [429, 'throttled'],
  [500, 'unavailable'],
  [503, 'unavailable'],
])('HTTP %i is %s', (status, kind) => {
  expect(read(answer(status), [event])[0]?.kind).toBe(kind)
})

test('2xx says no more than that it arrived', () => {
  expect(read(answer(204), [event])[0]?.reason).toContain('not confirmed')
})

test('a request of several that cannot be read is split', () => {
  expect(read(answer(413), [event, event]).map(({ kind }) => kind)).toEqual([
    'batch_rejected',
    'batch_rejected',
  ])
})

test("a web page is nobody's receipt", () => {
  expect(read(answer(200, '<html>Log in</html>'), [event])[0]).toMatchObject({
    kind: 'unavailable',
    ambiguous: true,
  })
  expect(read(answer(200, 'Log in', { 'content-type': 'text/html' }), [event])[0]?.kind).toBe('unavailable')
})

test("the validation server's objections are an answer", () => {
  const body = JSON.stringify({
    validationMessages: [
      { fieldPath: 'events', description: 'Event name is reserved.', validationCode: 'NAME_RESERVED' },
    ],
  })
  expect(read(answer(200, body), [event])).toEqual([
    { kind: 'rejected', reason: 'Event name is reserved.', code: 'NAME_RESERVED' },
  ])
  expect(read(answer(200, '{"validationMessages":[]}'), [event])[0]?.kind).toBe('delivered')
})
