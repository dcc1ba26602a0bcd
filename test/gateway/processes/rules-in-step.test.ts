import { expect, test } from 'vitest'
import type { Place } from '../../../src/gateway/processes/place.ts'
import { createRulesInStep } from '../../../src/gateway/processes/rules-in-step.ts'
import { until } from '../../support/until.ts'

/** A place that notes what it is told; `cannot` are the texts it cannot read. */
const somebody = (name: string, cannot: readonly string[] = [], begunWith = 1) => {
  const told: string[] = []
  let version = begunWith
  const place: Place = {
    name,
    serving: true,
    get version() {
      return version
    },
    first: Promise.resolve({}),
    send: ({ kind }) => told.push(kind),
    prepare: (rules) => {
      told.push(`prepare ${rules.version}`)
      return Promise.resolve(cannot.includes(rules.text) ? `${name}: no` : null)
    },
    commit: (wanted) => {
      version = wanted
      told.push(`commit ${wanted}`)
    },
    replace: () => told.push('replace'),
    stop: () => Promise.resolve(true),
  }
  return { place, told }
}

const silent = { error: () => {} }

test('everybody reads them before anybody goes by them', async () => {
  const [a, b] = [somebody('a'), somebody('b')]
  const rules = createRulesInStep('one', () => [a.place, b.place], silent)
  await rules.putInForce('two')
  expect(rules.current).toEqual({ version: 2, text: 'two' })
  expect([a.told, b.told]).toEqual([
    ['prepare 2', 'commit 2'],
    ['prepare 2', 'commit 2'],
  ])
})

test('where one cannot read them the old ones stay with all, and the number is not used again', async () => {
  const [a, b] = [somebody('a'), somebody('b', ['two'])]
  const rules = createRulesInStep('one', () => [a.place, b.place], silent)
  await expect(rules.putInForce('two')).rejects.toThrow('b: no')
  expect(rules.current).toEqual({ version: 1, text: 'one' })
  await rules.putInForce('three')
  expect(rules.current).toEqual({ version: 3, text: 'three' })
  expect(a.told).toEqual(['prepare 2', 'discard', 'prepare 3', 'commit 3'])
})

test('who began with older ones is brought up to those in force, or replaced', async () => {
  const able = somebody('able')
  const unable = somebody('unable', ['two'])
  const rules = createRulesInStep('one', () => [], silent)
  await rules.putInForce('two')
  rules.bringUp(able.place)
  rules.bringUp(unable.place)
  await until(
    () => [able.told, unable.told],
    ([first, second]) => first?.length === 2 && second?.length === 2,
  )
  expect(able.told).toEqual(['prepare 2', 'commit 2'])
  expect(unable.told).toEqual(['prepare 2', 'replace'])
})

test('who goes by those in force already is left alone', async () => {
  const one = somebody('one')
  const rules = createRulesInStep('one', () => [], silent)
  rules.bringUp(one.place)
  await Promise.resolve()
  expect(one.told).toEqual([])
})
