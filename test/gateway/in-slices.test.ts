import { expect, test } from 'vitest'
import type { Steps } from '../../src/capture/steps.ts'
import { inOneGo } from '../../src/capture/steps.ts'
import { inSlices } from '../../src/gateway/in-slices.ts'

test('other work has its turn between two slices', async () => {
  const others: number[] = []
  const tick = setInterval(() => others.push(1), 1)
  // It would never end if nothing else came to pass meanwhile.
  function* untilSeen(): Steps<string> {
    while (others.length < 3) yield
    return 'seen'
  }
  expect(await inSlices(untilSeen())).toBe('seen')
  clearInterval(tick)
})

test('what it throws is thrown, in slices and in one go', async () => {
  function* fails(): Steps<never> {
    yield
    throw new Error('no')
  }
  await expect(inSlices(fails())).rejects.toThrow('no')
  expect(() => inOneGo(fails())).toThrow('no')
})
