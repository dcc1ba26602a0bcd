import { describe, expect, test } from 'vitest'
import { mayAmend } from '../../../src/capture/data-layer/answer.ts'

const now = Date.parse('2026-11-20T10:00:00Z')
const html = ['Content-Type', 'text/html; charset=utf-8']
const answer = (fields: readonly string[] = [], status = 200) => ({
  status,
  rawHeaders: [...(fields.some((field) => /^content-type$/i.test(field)) ? [] : html), ...fields],
})

describe('a page is left as it is', () => {
  test.each<[reason: string, fields: readonly string[], status?: number]>([
    ['status', [], 404],
    ['status', [], 500],
    ['status', [], 206],
    ['status', [], 204],
    ['status', [], 302],
    ['not_html', ['Content-Type', 'application/xhtml+xml']],
    ['not_html', ['content-type', 'application/json']],
    ['attachment', ['Content-Disposition', 'attachment; filename=order.html']],
    ['empty', ['Content-Length', '0']],
    ['no_transform', ['Cache-Control', 'private, No-Transform']],
    ['shared_cache', ['Cache-Control', 'public, max-age=60']],
    ['signed', ['Signature-Input', 'a=("content-digest")', 'Signature', 'a=:x:']],
    ['encoding', ['Content-Encoding', 'dcb']],
    ['encoding', ['Content-Encoding', 'gzip, br']],
    ['encoding', ['Content-Encoding', 'gzip', 'Content-Encoding', 'gzip']],
  ])('for %s: %j %s', (reason, fields, status) => {
    expect(mayAmend(answer(fields, status), now)).toEqual({ reason })
  })
})

describe('a page may be longer', () => {
  test.each<[fields: readonly string[], coding: string | null, added: readonly string[]]>([
    [[], null, ['Cache-Control', 'private']],
    [['Content-Type', 'Text/HTML'], null, ['Cache-Control', 'private']],
    [['Content-Encoding', 'identity'], null, ['Cache-Control', 'private']],
    [['Content-Encoding', 'GZIP', 'Cache-Control', 'no-store'], 'gzip', []],
    [['Content-Encoding', 'br', 'Cache-Control', 'private, max-age=60'], 'br', []],
    [['Content-Encoding', 'zstd', 'Cache-Control', 'no-cache'], 'zstd', ['Cache-Control', 'private']],
    [['Content-Disposition', 'inline', 'Cache-Control', 'max-age=0'], null, ['Cache-Control', 'private']],
  ])('with %j', (fields, coding, added) => {
    expect(mayAmend(answer(fields), now)).toEqual({ reason: null, coding, fields: added })
  })
})
