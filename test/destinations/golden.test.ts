import { describe, expect, test } from 'vitest'
import { findDestination } from '../../src/destinations/index.ts'
import { goldenCasesOf, goldenFolders, prepare } from './golden.ts'
import { invariantFaults } from './invariants.ts'

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return body
  }
}

describe.each(goldenFolders())('%s', (name) => {
  const destination = findDestination(name)!
  const cases = goldenCasesOf(name)

  test.each(cases.flatMap(({ name: file, golden }) => (golden.request ? [[file, golden] as const] : [])))(
    '%s',
    (_file, golden) => {
      const { now, settings, deliverables, context } = prepare(destination, golden)
      expect(deliverables.map((event) => destination.refuse(event, settings, now))).toEqual(
        deliverables.map(() => null),
      )
      expect(new Set(deliverables.map((event) => destination.batchKey(event, settings))).size).toBe(1)
      const request = destination.build(deliverables, settings, context)
      const body = parsed(request.body)
      expect({ ...request, body }).toEqual(golden.request)
      expect(invariantFaults(destination, golden, request, body)).toEqual([])
    },
  )

  test.each(cases.flatMap(({ name: file, golden }) => (golden.refusal ? [[file, golden] as const] : [])))(
    '%s',
    (_file, golden) => {
      const { now, settings, deliverables } = prepare(destination, golden)
      expect(deliverables.map((event) => destination.refuse(event, settings, now))).toMatchObject(
        deliverables.map(() => golden.refusal),
      )
    },
  )

  test.each(cases.map(({ name: file, golden }) => [file, golden] as const))(
    '%s expects one thing, and says where that is written',
    (_file, { source, request, refusal }) => {
      expect(source).toMatch(/^https:\/\//)
      expect((request === undefined) !== (refusal === undefined)).toBe(true)
    },
  )
})
