import { describe, expect, test } from 'vitest'
import { explainMatch } from '../../src/capture/match-explain.ts'
import { readMatchRequest } from '../../src/capture/match-request.ts'
import { compileRule } from '../../src/capture/match.ts'
import type { Rule } from '../../src/capture/rules.ts'

const explain = (
  match: Rule['match'],
  target: string,
  headers: string[] = [],
  status?: number,
  enabled = true,
) =>
  explainMatch(
    compileRule(
      { id: 'r', match, enabled, actions: [{ type: 'fire_conversion_event', eventType: 'lead' }] },
      0,
    ),
    readMatchRequest({ method: 'GET', target, rawHeaders: ['Host', 'shop.example', ...headers] })!,
    status,
  )

describe('why a rule matched or not', () => {
  test('names every condition, held or not', () => {
    expect(
      explain({ path: '/a', query: { status: 'paid' }, cookie: { test: null } }, '/a?status=open', [], 404),
    ).toEqual([
      { condition: 'method', held: true, because: 'asks for GET, found GET' },
      { condition: 'path', held: true, because: '"/a" matches "/a"' },
      { condition: 'query status', held: false, because: 'asks for "paid", found "open"' },
      { condition: 'cookie test', held: true, because: 'asks for absence, found none' },
      { condition: 'status', held: false, because: 'asks for 2xx, found 404' },
    ])
  })

  test.each([
    [{ path: ['/a/*', '!/a/x'] }, '/a/x', false, '"/a/x" is excluded by "!/a/x"'],
    [{ path: ['/a', '/b'] }, '/c', false, '"/c" does not match "/a" or "/b"'],
    [{ path: '!/a' }, '/c', true, '"/c" is not excluded'],
    [{}, '/c', true, 'any path'],
    [
      { path: '/[ab]/*-*-*' },
      `/a/${'x'.repeat(400)}`,
      false,
      'the path has 403 characters, and "/[ab]/*-*-*" is tried on at most 256',
    ],
  ])('says what became of the path (%#)', (match, target, held, because) => {
    expect(explain(match, target).find(({ condition }) => condition === 'path')).toEqual({
      condition: 'path',
      held,
      because,
    })
  })

  test('never repeats what a cookie or a header holds', () => {
    const said = JSON.stringify(
      explain({ cookie: { session: 'x' }, header: { authorization: 'x' } }, '/', [
        'Cookie',
        'session=topsecret',
        'Authorization',
        'topsecret',
      ]),
    )
    expect(said).not.toContain('topsecret')
    expect(said).toContain('found a value')
  })

  test('tells that a rule is switched off', () => {
    expect(explain({}, '/', [], undefined, false)[0]).toEqual({
      condition: 'enabled',
      held: false,
      because: 'the rule is switched off',
    })
  })
})
