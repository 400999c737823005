// What a comparison of functions is written in. One file per comparison lies beside this folder, and
// a variant of it runs in a process of its own, so that none is compiled by what another has done.
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Functions that do the same thing, or what one could do in place of each other. */
export interface Comparison {
  question: string
  /** What is done in one call: "decide about one request". */
  call: string
  variants: Record<string, MicroVariant>
}

export interface MicroVariant {
  title: string
  /** Takes part only where it is named. */
  aside?: boolean
  /** Makes everything ready in a fresh process. */
  open(tools: MicroTools): Ready | Promise<Ready>
}

export interface MicroTools {
  /** The same numbers for all variants of one block, others in the next. */
  random: Random
  /** An empty folder that goes away afterwards. */
  folder: string
}

export interface Random {
  /** A whole number of both ends or between. */
  integer(from: number, to: number): number
  /** So many random letters, digits, - and _. */
  text(length: number): string
}

/** A function that is ready to be called. */
export interface Ready {
  /** What it is called with, in turns: many, so that nothing is known before it is computed. */
  inputs: readonly unknown[]
  /** The function; its promise is awaited where it returns one. */
  call(input: never): unknown
  /** Whether `output` is the right one. Asked for every input before, and now and then meanwhile. */
  isRight(output: never, input: never): boolean
  /** Whatever else must be so; says what is not. */
  check?(): string | undefined | Promise<string | undefined>
  close?(): void | Promise<void>
}

/** Returns `ready` as it is; the compiler checks that its parts fit each other. */
export const ready = <Input, Output>(of: {
  inputs: readonly Input[]
  call(input: Input): Output | Promise<Output>
  isRight(output: Output, input: Input): boolean
  check?: () => string | undefined | Promise<string | undefined>
  close?: () => void | Promise<void>
}): Ready => of as Ready

/** Random numbers that are the same for the same seed. */
export const randomOf = (seed: number): Random => {
  const generator = xoroshiro128plus(seed)
  const integer = (from: number, to: number) => uniformInt(generator, from, to)
  const letter = () => letters[integer(0, letters.length - 1)]
  return { integer, text: (length) => Array.from({ length }, letter).join('') }
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
