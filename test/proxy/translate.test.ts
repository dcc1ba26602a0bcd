import { describe, expect, test } from 'vitest'
import { describeError, translate } from '../../src/proxy/translate.ts'

const failing = (code: string): Error => Object.assign(new Error('it failed'), { code })

describe('a failure of the origin', () => {
  test.each([
    ['ECONNREFUSED', 502, 'connect_refused'],
    ['UND_ERR_CONNECT_TIMEOUT', 504, 'connect_timeout'],
    ['ENOTFOUND', 502, 'unresolved'],
    ['UND_ERR_SOCKET', 502, 'reset'],
    ['UND_ERR_HEADERS_TIMEOUT', 504, 'answer_timeout'],
    ['HPE_INVALID_CONSTANT', 502, 'bad_answer'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 502, 'certificate'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 502, 'certificate'],
    ['UND_ERR_INVALID_ARG', 400, 'bad_request'],
    ['UND_ERR_DESTROYED', 503, 'closing'],
    ['SOMETHING_NEW', 502, 'failed'],
  ])('%s becomes %i %s', (code, status, named) => {
    expect(translate(failing(code))).toEqual({ status, code: named })
  })

  test('that is no error at all is a 502 still', () => {
    expect(translate('odd')).toEqual({ status: 502, code: 'failed' })
  })

  test('is described by code and message, never by what it carries', () => {
    const error = Object.assign(failing('HPE_INVALID'), { data: Buffer.from('secret bytes') })
    expect(describeError(error)).toBe('HPE_INVALID: it failed')
  })
})
