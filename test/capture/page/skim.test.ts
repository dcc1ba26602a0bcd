import { load } from 'cheerio'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { skim } from '../../../src/capture/page/skim.ts'
import { read } from './read.ts'

const price = '<meta property="og:price:amount" content="5">'
const blocks = (html: string): string[] => skim(Buffer.from(html)).jsonLd.map(String)
const found = async (html: string): Promise<unknown> => (await read(html)).meta('og:price:amount')

describe('what is markup', () => {
  test.each([
    ['plain', price],
    ['in capitals', price.toUpperCase().replace('OG:PRICE:AMOUNT', 'og:price:amount')],
    ['without quotes', '<meta property=og:price:amount content=5>'],
    ['in single quotes', "<meta property='og:price:amount' content='5'>"],
    ['closed like XML', '<meta property="og:price:amount" content="5"/>'],
    ['over several lines', '<meta\n\tproperty = "og:price:amount"\r\n\fcontent\n=\n"5"\n>'],
    ['behind a comment', `<!-- -->${price}`],
    ['behind a short comment', `<!-->${price}`],
    ['behind another short comment', `<!--->${price}`],
    ['behind a comment with a wrong end', `<!-- --!>${price}`],
    ['behind a comment with arrows', `<!-- a > b -- > -> -->${price}`],
    ['behind a bogus comment', `<!x "${price.replace(/[<>]/g, '')}">${price}`],
    ['behind an end tag of nothing', `</ a>${price}`],
    ['behind a processing instruction', `<?xml version="1.0"?>${price}`],
    ['behind a doctype', `<!DOCTYPE html PUBLIC "-//W3C//DTD">${price}`],
    ['behind a "<" that is text', `1 < 2 <3 <<b>${price}`],
    ['behind a ">" in a value', `<a title="a > b">${price}`],
    ['behind quotes that open no value', `<a b"c 'd e=f"g>${price}`],
    ['behind a quote in an unquoted value', `<a title=it's>${price}`],
    ['behind a name that begins with "="', `<a ="x>${price}`],
    ['behind a script with strings of tags', `<script>var a = "<!-- <b>"; if (a<b) {}</script>${price}`],
    ['behind a script in a comment in a script', `<script><!-- <script></script> --></script>${price}`],
    ['behind a style', `<style>a::before { content: "<meta" }</style>${price}`],
    ['behind a text area', `<textarea><!-- </textarea>${price}`],
    ['behind an end tag with a blank', `<textarea></TEXTAREA >${price}`],
    ['behind an empty element of a drawing', `<svg><style/><title/></svg>${price}`],
    ['behind a section of a drawing', `<svg><![CDATA[ > ]]></svg>${price}`],
    ['behind a self-closed drawing', `<svg/><title/>x</title>${price}`],
    ['behind nested templates', `<template><template></template></template>${price}`],
    ['behind a NUL', `\0<a\0b>\0${price}`],
    ['behind a value that is never closed but by the next', `<a title="><b title="">${price}`],
  ])('%s: is found', async (_, html) => {
    expect(await found(html)).toBe('5')
  })

  test.each([
    ['in a comment', `<!-- ${price} -->`],
    ['in a comment that never ends', `<!-- ${price}`],
    ['in a comment that only seems to end', `<!-- -- > ${price} -->`],
    ['in a script', `<script>${price}</script>`],
    ['in a script behind a look-alike', `<script></scripts>${price}</script>`],
    ['in a script whose end is hidden', `<script><!-- <script></script>${price}</script> --></script>`],
    ['in a style', `<style>${price}</style>`],
    ['in a title', `<title>${price}</title>`],
    ['in a text area', `<textarea>${price}</textarea>`],
    ['in a noscript', `<noscript>${price}</noscript>`],
    ['in an iframe', `<iframe>${price}</iframe>`],
    ['in a template', `<template><div>${price}</div></template>`],
    ['in a template in a template', `<template><template></template>${price}</template>`],
    ['in a value', `<a title='${price}'>`],
    ['in a value without an end', `<a title="${price.replaceAll('"', "'")}`],
    ['behind plaintext', `<plaintext>${price}`],
    ['in a section of a drawing', `<svg><![CDATA[${price}]]></svg>`],
    ['cut before its end', price.slice(0, -1)],
  ])('%s: is not', async (_, html) => {
    expect(await found(html)).toBeNull()
  })
})

describe('JSON-LD scripts', () => {
  test.each([
    ['<script type="application/ld+json">1</script>'],
    ['<SCRIPT TYPE=Application/LD+JSON>1</SCRIPT>'],
    ["<script type=' application/ld+json; charset=utf-8'>1</script>"],
    ['<script type="application/ld&#x2B;json">1</script>'],
    ['<script type="application/ld&#43;json">1</script>'],
    ['<script data-x="</script>" type="application/ld+json">1</script >'],
    ['<script type="application/ld+json">1'],
  ])('%s is one', (html) => {
    expect(blocks(html)).toEqual(['1'])
  })

  test.each([
    ['<script type="application/json">1</script>'],
    ['<script type="application/ld+json+x">1</script>'],
    ['<!-- <script type="application/ld+json">1</script> -->'],
    ['<template><script type="application/ld+json">1</script></template>'],
    ['<noscript><script type="application/ld+json">1</script></noscript>'],
    ['<textarea><script type="application/ld+json">1</script></textarea>'],
    ['<script>document.write("<script type=\'application/ld+json\'>1")</script>'],
  ])('%s is none', (html) => {
    expect(blocks(html)).toEqual([])
  })

  test('keep tags and comments in their strings', () => {
    expect(blocks('<script type="application/ld+json">{"a":"<b> <!-- c --> </p>"}</script>')).toEqual([
      '{"a":"<b> <!-- c --> </p>"}',
    ])
  })
})

describe('nesting', () => {
  const item = async (inner: string, path: string): Promise<unknown> =>
    (await read(`<div itemscope itemtype="https://schema.org/Product">${inner}</div>`)).microdata(path)

  test('an element ends where its own end tag is, not that of one of the same name inside it', async () => {
    const html = '<div itemprop="name"><div>A</div> <div>B</div></div><div itemprop="sku">C</div>'
    expect(await item(html, 'Product.name')).toBe('A B')
    expect(await item(html, 'Product.sku')).toBe('C')
  })

  test('a property inside a property belongs to the thing, and its text to both', async () => {
    const html = '<p itemprop="description">Best <b itemprop="name">Kettle</b></p>'
    expect(await item(html, 'Product.description')).toBe('Best Kettle')
    expect(await item(html, 'Product.name')).toBe('Kettle')
  })

  test('a price inside a long text keeps its own', async () => {
    const html = `<div itemprop="description">${'Long. '.repeat(1000)}<b itemprop="price">12<i>.50</i></b></div>`
    expect(await item(html, 'Product.price')).toBe('12.50')
    expect(await item(html, 'Product.description')).toBeNull()
  })

  test('a stray end tag of an inline element closes nothing beyond its block', async () => {
    const html = '<span itemprop="name"><div itemprop="sku">C</span>D</div></span>'
    expect(await item(html, 'Product.sku')).toBe('CD')
  })

  test('a paragraph ends where the next block begins', async () => {
    expect(await item('<p itemprop="name">A<div>B</div>', 'Product.name')).toBe('A')
  })

  test('list items and table cells keep their nesting without their list and table', async () => {
    const html =
      '<table><tr><td itemprop="offers" itemscope><table><tr><td itemprop="price">7</td></tr></table></td></tr></table>'
    expect(await item(html, 'Product.offers.price')).toBe('7')
  })

  test('text of scripts and styles is no text of an element', async () => {
    expect(
      await item('<b itemprop="name">A<script>x</script><style>y</style><!-- z --></b>', 'Product.name'),
    ).toBe('A')
  })

  test('a template inside an element changes nothing about it', async () => {
    expect(await item('<b itemprop="name">A<template>x</b></div></template>B</b>', 'Product.name')).toBe('AB')
  })

  test('entities are decoded in text and values', async () => {
    expect(await item('<b itemprop="name">A &amp; B</b>', 'Product.name')).toBe('A & B')
    expect(await item('<meta itemprop="name" content="A &quot;B&quot; &euro;">', 'Product.name')).toBe(
      'A "B" €',
    )
  })
})

describe('the remainder', () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/)
  const value = fc.stringMatching(/^[a-zA-Z0-9 .,:;=>'/-]{1,12}$/).filter((text) => text.trim() !== '')
  const quoted = value.map((text) => `"${text}"`)
  const meta = fc
    .tuple(word, quoted, fc.constantFrom('property', 'name', 'NAME'), fc.boolean())
    .map(([name, content, key, first]) =>
      first ? `<meta ${key}="${name}" content=${content}>` : `<META content=${content}  ${key}=${name} />`,
    )
  const piece = fc.oneof(
    meta,
    word,
    fc.constant(' < '),
    value.map((text) => `<!-- ${text.replaceAll('--', '')} -->`),
    fc.tuple(word, meta).map(([text, hidden]) => `<!-- ${text} ${hidden} -->`),
    fc.tuple(word, meta).map(([text, hidden]) => `<script>${text}${hidden}</script>`),
    fc.tuple(word, meta).map(([text, hidden]) => `<textarea>${text}${hidden}</textarea>`),
    fc.tuple(word, meta).map(([text, hidden]) => `<style>${text}${hidden}</style>`),
    quoted.map((text) => `<a title=${text} href=x>`),
    word.map((text) => `<div class=${text}><p>${text}</div>`),
    meta.map((hidden) => `<template>${hidden}</template>`),
  )

  test('holds the meta tags that a parser of the whole page finds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
        const html = `<!doctype html><body>${pieces.join('')}`
        const facts = await read(html)
        const $ = load(html)
        const expected = new Map<string, string>()
        for (const element of $('meta').toArray()) {
          // The content of a template is a document of its own.
          if ($(element).parents('html').length === 0 || $(element).parents('template').length > 0) continue
          const { name, property, content } = element.attribs
          const key = (property ?? name ?? '').toLowerCase()
          if (!expected.has(key) && content !== undefined) expected.set(key, content.trim())
        }
        for (const [key, content] of expected) expect(facts.meta(key), html).toBe(content)
        const all = html.match(/<meta [^>]*?(?:property|name)="?([a-z]+)/gi) ?? []
        for (const tag of all) {
          const key = /([a-z]+)$/.exec(tag)?.[1] ?? ''
          if (!expected.has(key)) expect(facts.meta(key), html).toBeNull()
        }
      }),
      { numRuns: 300 },
    )
  })

  test('is small: elements without facts leave nothing behind', () => {
    const page = '<div class="a"><a href="/b">c</a><img src="d"></div>'.repeat(1000)
    expect(skim(Buffer.from(page)).remainder).toHaveLength(0)
  })
})
