import { expect, test } from 'vitest'
import { addCounted, countedWhenGone, noCounts } from '../../src/gateway/counts.ts'

const some = {
  ...noCounts,
  requests: 5,
  activeRequests: 2,
  webSockets: 1,
  refused: { bad_host: 1 },
  skipped: { 'shop/bot': 3 },
  dataLayer: { 'shop/pushed': 2 },
  eventsWaiting: 4,
  eventsLost: 1,
}

test('two processes count together, name by name', () => {
  const sum = addCounted(some, { ...some, refused: { bad_host: 1, trace: 2 } })
  expect(sum).toEqual({
    ...noCounts,
    requests: 10,
    activeRequests: 4,
    webSockets: 2,
    refused: { bad_host: 2, trace: 2 },
    skipped: { 'shop/bot': 6 },
    dataLayer: { 'shop/pushed': 4 },
    eventsWaiting: 8,
    eventsLost: 2,
  })
})

test('nothing added is nothing changed', () => {
  expect(addCounted(some, noCounts)).toEqual(some)
})

test('a process that is gone has nothing open, and what waited in its memory is lost', () => {
  expect(countedWhenGone(some)).toEqual({
    ...some,
    activeRequests: 0,
    webSockets: 0,
    eventsWaiting: 0,
    eventsLost: 5,
  })
})
