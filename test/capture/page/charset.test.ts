import { describe, expect, test } from 'vitest'
import { detectCharset } from '../../../src/capture/page/charset.ts'
import { read } from './read.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('the encoding of a page', () => {
  test.each([
    ['a byte order mark, against the header', '\xef\xbb\xbf<meta charset=big5>', 'windows-1252', 'utf-8'],
    ['the header, against the page', '<meta charset=big5>', 'windows-1250', 'windows-1250'],
    ['the page, when the header is unknown', '<meta charset="Big5">', 'nonsense', 'big5'],
    ['http-equiv', '<meta http-equiv=Content-Type content="text/html; charset=euc-jp">', null, 'euc-jp'],
    ['UTF-8, for a declaration that contradicts itself', '<meta charset=utf-16>', null, 'utf-8'],
    ['UTF-8, where a comment alone declares', '<!-- <meta charset=big5> -->', null, 'utf-8'],
    ['UTF-8 by default', '<p>', null, 'utf-8'],
  ])('is that of %s', (_, page, header, label) => {
    expect(detectCharset(bytes(page), header).label).toBe(label)
  })

  const product = '<meta property="og:type" content="product"><meta property="og:title" content="'
  test.each([
    ['windows-1250', 'h\xf8eben', 'hřeben'],
    ['iso-8859-1', 'fant\xf4me', 'fantôme'],
    ['big5', '\xa4\xa4\xa4\xe5', '中文'],
    ['shift_jis', '\x95\x5c', '表'],
    ['euc-jp', '\xc6\xfc', '日'],
  ])('%s names come out right', async (charset, written, name) => {
    const page = bytes(`${product}${written}">`)
    expect((await read(page, { charset })).product?.contentName).toBe(name)
    expect((await read(Buffer.concat([bytes(`<meta charset=${charset}>`), page]))).product?.contentName).toBe(
      name,
    )
  })

  test('a declaration that comes late still counts', async () => {
    const page = bytes(`${product}fant\xf4me"><style>${' '.repeat(20_000)}</style><meta charset=iso-8859-15>`)
    expect((await read(page)).product?.contentName).toBe('fantôme')
  })

  test('bytes that are not UTF-8, with nothing declared, are read as a browser would', async () => {
    expect((await read(bytes(`${product}fant\xf4me">`))).product?.contentName).toBe('fantôme')
  })

  test('pages in encodings where "<" is not always "<" are converted first', async () => {
    const text = `${product}日本">`
    const little = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])
    const big = Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(text, 'utf16le').swap16()])
    expect((await read(little)).product?.contentName).toBe('日本')
    expect((await read(big)).product?.contentName).toBe('日本')
    // The second byte of this character is the one that stands for "<" in ASCII.
    const escaped = bytes(`${product}\x1b$B%<\x1b(B">`)
    expect((await read(escaped, { charset: 'iso-2022-jp' })).product?.contentName).toBe('ゼ')
  })
})
