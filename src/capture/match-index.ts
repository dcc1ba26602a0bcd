// Path to the patterns it matches, without trying them one by one: whole paths in a map, the rest in a trie of segments
// walked as a set of open nodes, so that no path costs more than its length times the nodes it keeps open.
//
//   /shop/*/thanks   root ─shop→ ○ ─any→ ○ ─thanks→ ● exact
//   /shop/**         root ─shop→ ○ ─rest→ ⟳ ● any          (⟳ stays open for every further segment)
//
// Patterns that need picomatch are kept by the text they begin with, and tried only on paths that do.
import { createBucket } from './match-bucket.ts'
import type { Bucket, Sortable } from './match-bucket.ts'
import { plainMatches } from './match-glob.ts'
import type { PlainGlob } from './match-glob.ts'
import { perStep } from './steps.ts'
import type { Steps } from './steps.ts'
import { tailAllows } from './match-pattern.ts'
import type { PathPattern, Segment, Shape, Tail } from './match-pattern.ts'
import type { MatchRequest } from './match-request.ts'

export interface Hit<T> {
  readonly rule: T
  /** `null`: the rule asks for no path, or only excludes some. */
  readonly pattern: PathPattern | null
  /** Of two patterns of a rule that match, the earlier names the parameters. */
  readonly order: number
}

export interface PathIndex<T> {
  find(request: MatchRequest, found: (hit: Hit<T>) => void): void
}

interface Partial<T> {
  readonly glob: PlainGlob
  readonly node: Node<T>
}

interface Node<T> {
  readonly literals: Map<string, Node<T>>
  any: Node<T> | null
  rest: Node<T> | null
  readonly loops: boolean
  readonly partials: Map<string, Partial<T>>
  findPartials: ((segment: string, open: (node: Node<T>) => void) => void) | null
  readonly endings: Map<Tail, Hit<T>[]>
  ends: readonly { readonly tail: Tail; readonly bucket: Bucket<Hit<T>> }[]
  /** The step at which the node was last opened: two ways may lead back to a looping node. */
  openedAt: number
}

const createNode = <T>(loops: boolean): Node<T> => ({
  literals: new Map(),
  any: null,
  rest: null,
  loops,
  partials: new Map(),
  findPartials: null,
  endings: new Map(),
  ends: [],
  openedAt: -1,
})

const childOf = <T>(node: Node<T>, segment: Segment): Node<T> => {
  if (segment.kind === 'any') return (node.any ??= createNode(false))
  if (segment.kind === 'rest') return (node.rest ??= createNode(true))
  if (segment.kind === 'literal') {
    const known = node.literals.get(segment.text)
    if (known !== undefined) return known
    const child = createNode<T>(false)
    node.literals.set(segment.text, child)
    return child
  }
  const known = node.partials.get(segment.text)
  if (known !== undefined) return known.node
  const child = createNode<T>(false)
  node.partials.set(segment.text, { glob: segment.glob, node: child })
  return child
}

const groupBy = <V>(values: readonly V[], keyOf: (value: V) => string): Map<string, V[]> => {
  const groups = new Map<string, V[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group === undefined) groups.set(keyOf(value), [value])
    else group.push(value)
  }
  return groups
}

const lengthsOf = (keys: Iterable<string>): readonly number[] =>
  [...new Set([...keys].map((key) => key.length))].sort((a, b) => a - b)

/** Segment globs by what they begin or end with, whichever tells more of them apart. */
const sortPartials = <T>(all: readonly Partial<T>[]): Node<T>['findPartials'] => {
  if (all.length === 0) return null
  const prefixes = groupBy(all, ({ glob }) => glob.prefix)
  const suffixes = groupBy(all, ({ glob }) => glob.suffix)
  const crowd = (groups: ReadonlyMap<string, readonly unknown[]>, key: string): number =>
    groups.get(key)?.length ?? 0
  const front = (partial: Partial<T>): boolean =>
    crowd(prefixes, partial.glob.prefix) <= crowd(suffixes, partial.glob.suffix)
  const byPrefix = groupBy(all.filter(front), ({ glob }) => glob.prefix)
  const bySuffix = groupBy(
    all.filter((partial) => !front(partial)),
    ({ glob }) => glob.suffix,
  )
  const prefixLengths = lengthsOf(byPrefix.keys())
  const suffixLengths = lengthsOf(bySuffix.keys())
  return (segment, open) => {
    const tryAll = (partials: readonly Partial<T>[] | undefined): void => {
      for (const { glob, node } of partials ?? []) if (plainMatches(glob, segment)) open(node)
    }
    for (const length of prefixLengths) {
      if (length > segment.length) break
      tryAll(byPrefix.get(segment.slice(0, length)))
    }
    for (const length of suffixLengths) {
      if (length > segment.length) break
      tryAll(bySuffix.get(segment.slice(segment.length - length)))
    }
  }
}

const push = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

/** {@link inOneGo}, or between other things. */
export function* pathIndexSteps<T extends Sortable>(hits: readonly Hit<T>[]): Steps<PathIndex<T>> {
  const bucketOf = (list: readonly Hit<T>[]): Bucket<Hit<T>> => createBucket(list, (hit) => hit.rule)
  const root = createNode<T>(false)
  const whole = new Map<string, Hit<T>[]>()
  const everywhere: Hit<T>[] = []
  /** Patterns only picomatch understands. */
  const complex: Hit<T>[] = []

  const addShape = (shape: Shape, hit: Hit<T>): void => {
    const texts = shape.segments.map((segment) => (segment.kind === 'literal' ? segment.text : null))
    if (texts.every((text) => text !== null)) {
      const path = `/${texts.join('/')}`
      if (shape.tail !== 'slash') push(whole, path, hit)
      if (shape.tail !== 'exact') push(whole, path === '/' ? path : `${path}/`, hit)
      return
    }
    let node = root
    for (const segment of shape.segments) node = childOf(node, segment)
    push(node.endings, shape.tail, hit)
  }
  for (const [place, hit] of hits.entries()) {
    if (place % perStep === 0) yield
    if (hit.pattern === null) everywhere.push(hit)
    else if (hit.pattern.shapes !== null) for (const shape of hit.pattern.shapes) addShape(shape, hit)
    else complex.push(hit)
  }

  const settle = (node: Node<T>, open: Node<T>[]): void => {
    node.findPartials = sortPartials([...node.partials.values()])
    node.ends = [...node.endings].map(([tail, list]) => ({ tail, bucket: bucketOf(list) }))
    for (const child of node.literals.values()) open.push(child)
    for (const { node: child } of node.partials.values()) open.push(child)
    if (node.any !== null) open.push(node.any)
    if (node.rest !== null) open.push(node.rest)
  }
  const unsettled = [root]
  for (let node = unsettled.pop(), count = 1; node !== undefined; node = unsettled.pop(), count += 1) {
    settle(node, unsettled)
    if (count % perStep === 0) yield
  }
  const buckets = new Map<string, Bucket<Hit<T>>>()
  for (const [path, list] of whole) {
    buckets.set(path, bucketOf(list))
    if (buckets.size % perStep === 0) yield
  }
  const always = everywhere.length === 0 ? null : bucketOf(everywhere)
  const byHead = groupBy(complex, (hit) => hit.pattern?.head ?? '')
  const headLengths = lengthsOf(byHead.keys())
  const walks = root.literals.size + root.partials.size > 0 || root.any !== null || root.rest !== null
  let step = 0

  const walk = (request: MatchRequest, found: (hit: Hit<T>) => void): void => {
    const { path } = request
    let current: Node<T>[] = []
    let next: Node<T>[] = []
    const open = (node: Node<T>): void => {
      if (node.openedAt === step) return
      node.openedAt = step
      next.push(node)
      if (node.rest !== null) open(node.rest)
    }
    step += 1
    open(root)
    let at = 1
    while (at < path.length && next.length > 0) {
      const slash = path.indexOf('/', at)
      const end = slash < 0 ? path.length : slash
      const segment = path.slice(at, end)
      const before = current
      current = next
      next = before
      next.length = 0
      step += 1
      for (const node of current) {
        const literal = node.literals.get(segment)
        if (literal !== undefined) open(literal)
        if (node.any !== null) open(node.any)
        if (node.findPartials !== null) node.findPartials(segment, open)
        if (node.loops) open(node)
      }
      at = end + 1
    }
    const trailing = path.endsWith('/')
    for (const node of next)
      for (const { tail, bucket } of node.ends) if (tailAllows(tail, trailing)) bucket.collect(request, found)
  }

  return {
    find: (request, found) => {
      always?.collect(request, found)
      buckets.get(request.path)?.collect(request, found)
      if (walks) walk(request, found)
      for (const length of headLengths) {
        const { path } = request
        if (length > path.length) break
        for (const hit of byHead.get(path.slice(0, length)) ?? [])
          if (hit.pattern?.matches(path) === true) found(hit)
      }
    },
  }
}
