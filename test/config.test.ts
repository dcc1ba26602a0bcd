import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { readConfig, UsageError } from '../src/config.ts'

describe('serving over TLS', () => {
  test.each<[string, readonly string[], Readonly<Record<string, string>>, unknown]>([
    ['is off unless asked for', [], {}, undefined],
    ['is asked for by a flag', ['--tls-listen', ':8443'], {}, { host: '::', port: 8443 }],
    ['or by the environment', [], { SLUICE_TLS_LISTEN: '127.0.0.1:0' }, { host: '127.0.0.1', port: 0 }],
    ['the flag being the stronger', ['--tls-listen', 'off'], { SLUICE_TLS_LISTEN: ':8443' }, undefined],
  ])('%s', (_name, args, env, expected) => {
    expect(readConfig(args, env).tlsListen).toEqual(expected)
  })

  test('at no address is refused in words', () => {
    expect(() => readConfig(['--tls-listen', 'on'], {})).toThrow(
      new UsageError('--tls-listen: "on" is no address to listen on; write it as :8080 or 127.0.0.1:8080'),
    )
  })
})

describe('connections per address', () => {
  test.each([
    [[], 1_024],
    [['--connections-per-address', '0'], 0],
    [['--connections-per-address', '50'], 50],
  ])('%j: %i', (args, expected) => {
    expect(readConfig(args, {}).connectionsPerAddress).toBe(expected)
  })

  test.each(['many', '-1', '1.5', ''])('%j is no number of them', (given) => {
    expect(() => readConfig([], { SLUICE_CONNECTIONS_PER_ADDRESS: given })).toThrow(
      /SLUICE_CONNECTIONS_PER_ADDRESS: ".*" is no number of connections; 0 means any number/,
    )
  })
})

describe('workers', () => {
  test.each<[readonly string[], Readonly<Record<string, string>>, number]>([
    [[], {}, availableParallelism()],
    [['--workers', '0'], { SLUICE_WORKERS: '4' }, 0],
    [[], { SLUICE_WORKERS: '4' }, 4],
    [['--workers', 'auto'], { SLUICE_WORKERS: '4' }, availableParallelism()],
  ])('%j with %j: %i', (args, env, expected) => {
    expect(readConfig(args, env).workers).toBe(expected)
  })

  test.each(['all', '-1', '1.5', '', '1000'])('%j is no number of them', (given) => {
    expect(() => readConfig([], { SLUICE_WORKERS: given })).toThrow(
      /SLUICE_WORKERS: ".*" is no number of processes; write auto for one per core, or 0 to 256/,
    )
  })
})

describe('the PROXY protocol', () => {
  const trusted = ['--trusted-proxies', '10.0.0.0/8']
  test.each<[string, readonly string[], Readonly<Record<string, string>>, boolean]>([
    ['is off unless asked for', trusted, {}, false],
    ['is asked for by a flag', [...trusted, '--proxy-protocol', 'on'], {}, true],
    ['or by the environment', trusted, { SLUICE_PROXY_PROTOCOL: 'on' }, true],
    ['the flag being the stronger', ['--proxy-protocol', 'off'], { SLUICE_PROXY_PROTOCOL: 'on' }, false],
  ])('%s', (_name, args, env, expected) => {
    expect(readConfig(args, env).proxyProtocol).toBe(expected)
  })

  test('with nobody who may speak it is refused in words', () => {
    expect(() => readConfig(['--proxy-protocol', 'on'], {})).toThrow(
      new UsageError(
        '--proxy-protocol: only proxies that are trusted may say who comes; name them in --trusted-proxies, as 10.0.0.0/8',
      ),
    )
  })

  test('is on or off and nothing else', () => {
    expect(() => readConfig([...trusted], { SLUICE_PROXY_PROTOCOL: 'v2' })).toThrow(
      new UsageError('SLUICE_PROXY_PROTOCOL: "v2" is neither on nor off'),
    )
  })
})
