import t from 'tap'
import { symbolsOf } from './symbols-of.js'

t.test('Ruby', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('ruby', String.raw`# frozen_string_literal: true

require 'json'
require_relative 'store/entry'

# Keeps entries.
module Acme
  LIMIT = 10

  # A store.
  class Store < Base::Abstract
    include Enumerable
    attr_reader :name, :size

    def initialize(name, size: LIMIT)
      @name = name
    end

    def self.open(*args) = new(*args)

    class << self
      def build; end
    end

    # Whether it is empty.
    def empty?
      text = <<~TEXT
        # not a comment

      TEXT
      JSON.parse(text).any? { |each| check!(each) }
    end

    private

    def reset; end
  end

  Pair = Struct.new(:left, :right) do
    def swap; end
  end
end

def helper(a,
           b)
  a
end

describe Acme::Store do
  it('works') { helper(1, 2) }
end
`)
  t.strictSame(definitions, [
    'module Acme 5 6 6 41',
    'constant Acme.LIMIT 7 7 7 7',
    'class Acme.Store 9 10 10 36',
    'field Acme.Store.name 12 12 12 12',
    'field Acme.Store.size 12 12 12 12',
    'method Acme.Store.initialize 14 14 14 16',
    'method Acme.Store.open 18 18 18 18',
    'method Acme.Store.build 21 21 21 21',
    'method Acme.Store.empty? 24 25 25 31',
    'method Acme.Store.reset 35 35 35 35',
    'class Acme.Pair 38 38 38 40',
    'method Acme.Pair.swap 39 39 39 39',
    'function helper 43 43 44 46'
  ])
  t.strictSame(imports, ['json', './store/entry'])
  t.strictSame(references, 'require require_relative Base Abstract include Enumerable attr_reader new JSON parse any? check! Struct describe it')
  t.strictSame(stripped, ['# frozen_string_literal: true', '# Keeps entries.', '# A store.', '# Whether it is empty.'])
})

t.test('PHP', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('php', String.raw`<?php

declare(strict_types=1);

namespace Acme\Store;

use Acme\Base;
use Acme\{Entry, Config as Conf};

require_once __DIR__ . '/helpers.php';

const LIMIT = 10;

/**
 * Keeps entries.
 */
#[Service]
final class Store extends Base implements Closable
{
    use Loggable;

    public const A = 1, B = 2;
    private ?Entry $last = null;

    public function __construct(private Conf $conf) {}

    #[Route('/get')]
    public function get(
        string $key,
        int $limit = LIMIT
    ): ?Entry {
        // inside
        $text = <<<TEXT
# not a comment

TEXT;
        return $this->find(Key::of($key), new Query($text))->first;
    }

    abstract protected function find();
}

interface Closable { public function close(): void; }
trait Loggable { function log() {} }
enum Level: string { case Low = 'low'; public function label() {} }

function helper($a) { return array_map(fn ($x) => $x, $a); }
?>
<p>

<?= helper(1) ?>
`)
  t.strictSame(definitions, [
    'module Acme\\Store 4 4 4 4',
    'constant LIMIT 11 11 11 11',
    'class Store 13 17 17 40',
    'field Store.A 21 21 21 21',
    'field Store.B 21 21 21 21',
    'field Store.last 22 22 22 22',
    'method Store.__construct 24 24 24 24',
    'method Store.get 26 27 30 37',
    'method Store.find 39 39 39 39',
    'interface Closable 42 42 42 42',
    'method Closable.close 42 42 42 42',
    'class Loggable 43 43 43 43',
    'method Loggable.log 43 43 43 43',
    'enum Level 44 44 44 44',
    'constant Level.Low 44 44 44 44',
    'method Level.label 44 44 44 44',
    'function helper 46 46 46 46'
  ])
  t.strictSame(imports, ['Acme\\Base', 'Acme\\Entry', 'Acme\\Config', './helpers.php'])
  t.strictSame(references, 'Base Entry Config Conf Service Route Key of Query first array_map')
  t.strictSame(stripped, ['/**', '* Keeps entries.', '*/', '// inside'])
})

t.test('shell', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('shell', String.raw`#!/usr/bin/env bash
# Starts the store.
set -eu
source ./lib.sh
. "$(dirname "$0")/env.sh"

NAME=store
export LIMIT=10

# Logs a line.
log () {
  local text=$1
  printf '%s\n' "$text" | tee -a "$LOG"
}

function main {
  # inside
  cat <<TEXT
# not a comment

TEXT
  log "$(date)"
}

main "$@"
`)
  t.strictSame(definitions, [
    'constant NAME 6 6 6 6',
    'constant LIMIT 7 7 7 7',
    'function log 9 10 10 13',
    'function main 15 15 15 22'
  ])
  t.strictSame(imports, ['./lib.sh', './env.sh'])
  t.strictSame(references, 'set source . dirname printf tee cat date')
  t.strictSame(stripped, ['# Starts the store.', '# Logs a line.', '# inside'])
})
