import t from 'tap'
import { TICK, symbolsOf } from './symbols-of.js'

t.test('Python', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('python', String.raw`#!/usr/bin/env python3
"""Module docstring."""
from __future__ import annotations

import os.path as p, sys
from . import types
from ..core.base import (Base, helper as h)

Alias = dict[str, int]
LIMIT: int = 10
a, b = 1, 2


# Registered by name.
@register("store")
@dataclass
class Store(Base, metaclass=Meta):
    """# not a comment

    // nor this
    """

    name: str
    size: int = 0

    class Meta:
        ordering = ["name"]

    # What is there.
    @property
    async def items(
        self,
        limit: int = LIMIT,
    ) -> list[Item]:
        # inside
        def visit(node):
            return node.children

        local = 1
        return [visit(n) for n in h(self.name)]

    def close(self): pass


def main(argv=None):
    text = '''
# not a comment

'''
    try:
        p.join(text)
    except ValueError as error:
        sys.exit(Failure(error))


if __name__ == "__main__":
    main()
`)
  t.strictSame(definitions, [
    'constant Alias 8 8 8 8',
    'constant LIMIT 9 9 9 9',
    'class Store 13 16 16 41',
    'field Store.name 22 22 22 22',
    'field Store.size 23 23 23 23',
    'class Store.Meta 25 25 25 26',
    'field Store.Meta.ordering 26 26 26 26',
    'method Store.items 28 30 33 39',
    'function Store.items.visit 34 35 35 36',
    'method Store.close 41 41 41 41',
    'function main 44 44 44 52'
  ])
  t.strictSame(imports, ['os.path', 'sys', '.', '.types', '..core.base'])
  t.strictSame(references, 'types Base helper int register dataclass str property list Item children h join exit Failure')
  t.strictSame(stripped, ['# Registered by name.', '# What is there.', '# inside'])
})

t.test('Go', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('go', String.raw`// Package store keeps entries.
package store

import (
  "context"
  log "github.com/acme/log"
)

// Limit of entries.
const Limit = 10

const (
  // A is first.
  A = iota
  B
)

var ErrFull, errGone = errors.New("full"), errors.New("gone")

// Store keeps entries.
type Store[T any] struct {
  mu      sync.Mutex
  entries map[string]T // by key
  *Base
}

type (
  // Reader reads.
  Reader interface {
    Read(ctx context.Context, key string) ([]byte, error)
    io.Closer
  }
  Key string
)

// Get returns an entry.
func (s *Store[T]) Get(
  ctx context.Context,
  key string,
) (T, error) {
  local := 1
  fn := func() { log.Printf(${TICK}
// not a comment

${TICK}) }
  fn()
  return s.entries[key], ErrFull
}

func New(options ...Option) *Store[string] { return &Store[string]{} }
`)
  t.strictSame(definitions, [
    'constant Limit 8 9 9 9',
    'constant A 12 13 13 13',
    'constant B 14 14 14 14',
    'constant ErrFull 17 17 17 17',
    'constant errGone 17 17 17 17',
    'class Store 19 20 20 24',
    'field Store.mu 21 21 21 21',
    'field Store.entries 22 22 22 22',
    'interface Reader 27 28 28 31',
    'method Reader.Read 29 29 29 29',
    'type Key 32 32 32 32',
    'method Get 35 36 39 47',
    'function New 49 49 49 49'
  ])
  t.strictSame(imports, ['context', 'github.com/acme/log'])
  t.strictSame(references, 'any Mutex string T Base Context byte error Closer Printf fn Option')
  t.strictSame(stripped, ['// Package store keeps entries.', '// Limit of entries.', '// A is first.', '// Store keeps entries.', '// Reader reads.', '// Get returns an entry.'])
})

t.test('Rust', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('rust', String.raw`//! Keeps entries.
use crate::errors::{Error, Kind as K};
use std::collections::*;
mod disk;

/// How many.
pub const LIMIT: usize = 10;
static mut COUNT: u32 = 0;

/// An entry.
#[derive(Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'a, T>
where
    T: Clone,
{
    pub key: &'a str,
    value: T,
}

pub enum Level {
    Low,
    /// Many.
    High { by: u8 },
}

pub trait Store: Send {
    type Item;
    fn get(&self, key: &str) -> Option<Self::Item>;
    fn len(&self) -> usize { 0 }
}

impl<'a, T: Clone> fmt::Display for Entry<'a, T> {
    fn fmt(&self, f: &mut Formatter) -> Result<(), Error> {
        fn inner() {}
        // inside
        write!(f, "// {}", Wrapper::new(self.key).build())
    }
}

macro_rules! entry {
    ($k:expr) => { Entry { key: $k } };
}

pub async fn load<R>(
    reader: R,
    limit: usize,
) -> Result<Vec<Entry<'static, u8>>, Error> {
    let text = r#"
// not a comment

"#;
    reader.read(text)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads() { assert_eq!(1, load()); }
}
`)
  t.strictSame(definitions, [
    'constant LIMIT 5 6 6 6',
    'constant COUNT 7 7 7 7',
    'class Entry 9 12 14 18',
    'field Entry.key 16 16 16 16',
    'field Entry.value 17 17 17 17',
    'enum Level 20 20 20 24',
    'constant Level.Low 21 21 21 21',
    'constant Level.High 22 23 23 23',
    'field Level.High.by 23 23 23 23',
    'interface Store 26 26 26 30',
    'type Store.Item 27 27 27 27',
    'method Store.get 28 28 28 28',
    'method Store.len 29 29 29 29',
    'section Entry 32 32 32 38',
    'method Entry.fmt 33 33 33 37',
    'function Entry.fmt.inner 34 34 34 34',
    'macro entry 40 40 40 42',
    'function load 44 44 47 53',
    'module tests 55 56 56 61',
    'function tests.loads 59 60 60 60'
  ])
  t.strictSame(imports, ['crate::errors::Error', 'crate::errors::Kind', 'std::collections', 'self::disk', 'super'])
  t.strictSame(references, 'errors Error collections derive Debug Clone serde T Send Option Display Formatter Result write Wrapper R Vec read cfg test assert_eq')
  t.strictSame(stripped, ['//! Keeps entries.', '/// How many.', '/// An entry.', '/// Many.', '// inside'])
})
