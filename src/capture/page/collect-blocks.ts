/** The bytes of one body, copied into blocks of our own, within the body's limit and the limit of all bodies together. */

/** What all collectors together may hold. One slow visitor is cheap; ten thousand of them must not become the memory. */
export interface CollectBudget {
  readonly maxBytes: number
  held(): number
  /** `false` when it would exceed the limit; nothing is taken then. */
  reserve(bytes: number): boolean
  release(bytes: number): void
}

export const createCollectBudget = (maxBytes: number): CollectBudget => {
  let held = 0
  return {
    maxBytes,
    held: () => held,
    reserve(bytes) {
      if (held + bytes > maxBytes) return false
      held += bytes
      return true
    },
    release(bytes) {
      held -= bytes
    },
  }
}

export interface Blocks {
  /** Copies. Of bytes that do not fit the first part is kept, and the answer says which limit ended it. */
  push(bytes: Uint8Array): 'kept' | 'full' | 'over_budget'
  size(): number
  /** All bytes in one piece, once. Their share of the budget is kept until `free`. */
  take(): Buffer
  /** Lets go of everything. */
  free(): void
}

const firstBlock = 4 * 1024
const largestBlock = 256 * 1024

/**
 * Blocks grow by doubling and are filled to the brim, so that a body arriving byte by byte costs what one arriving whole
 * does, and the budget counts what is really allocated. A chunk kept as it came would pin the 64 KiB slab it was cut from.
 */
export const createBlocks = (budget: CollectBudget, maxBytes: number): Blocks => {
  let blocks: Buffer[] = []
  let size = 0
  let room = 0
  let reserved = 0

  const grow = (wanted: number): boolean => {
    const doubled = Math.min(largestBlock, Math.max(firstBlock, reserved))
    const capacity = Math.min(Math.max(doubled, wanted), maxBytes - size)
    if (!budget.reserve(capacity)) return false
    // Not from Node's pool: a pooled piece would keep its neighbours' memory alive.
    blocks.push(Buffer.allocUnsafeSlow(capacity))
    reserved += capacity
    room = capacity
    return true
  }

  return {
    push(bytes) {
      let from = 0
      while (from < bytes.length) {
        if (size === maxBytes) return 'full'
        if (room === 0 && !grow(bytes.length - from)) return 'over_budget'
        const block = blocks.at(-1)
        if (block === undefined) return 'full'
        const piece = bytes.subarray(from, from + room)
        block.set(piece, block.length - room)
        room -= piece.length
        size += piece.length
        from += piece.length
      }
      return 'kept'
    },
    size: () => size,
    take() {
      const [only, ...more] = blocks
      const taken =
        only !== undefined && more.length === 0 ? only.subarray(0, size) : Buffer.concat(blocks, size)
      blocks = []
      size = room = 0
      return taken
    },
    free() {
      budget.release(reserved)
      blocks = []
      size = room = reserved = 0
    },
  }
}
