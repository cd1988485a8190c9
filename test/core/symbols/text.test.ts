import t from 'tap'
import { extractSymbols } from '../../../core/project/worker/symbols/symbols.js'
import { describe } from './symbols-of.js'

const definitions = async (language: string | undefined, text: string) => describe(await extractSymbols(language, text))

t.test('declarations are told by their words, and end where indentation comes back', async (t) => {
  t.strictSame(await definitions('scala', 'package acme\n\n/** Doc. */\n@deprecated\nclass Store(\n  a: Int\n) {\n  def get(key: String) = {\n    key\n  }\n\n  val size = 1\n}\nobject Main {\n  def main() = 1\n}\n'), [
    'module acme 0 0 0 0',
    'class Store 2 4 6 12',
    'method Store.get 7 7 7 9',
    'field Store.size 11 11 11 11',
    'class Main 13 13 13 15',
    'method Main.main 14 14 14 14'
  ].map((line) => line.replace('method', 'function')))
  t.strictSame(await definitions('elixir', 'defmodule Acme.Store do\n  # Doc.\n  def get(key) do\n    key\n  end\n\n  defp reset, do: :ok\nend\n'), ['module Acme.Store 0 0 0 7', 'function Acme.Store.get 1 2 2 4', 'function Acme.Store.reset 6 6 6 6'])
  t.strictSame(await definitions('lua', 'local function a()\n  b()\nend\nM.c = function()\nend\n'), ['function a 0 0 0 2', 'function M.c 3 3 3 4'])
  t.strictSame(await definitions('haskell', 'module Acme where\ndata Tree = Leaf\nclass Show a => Named a where\n  name :: a -> String\nsize :: Tree -> Int\nsize _ = 1\n'), ['module Acme 0 0 0 0', 'type Tree 1 1 1 1', 'interface Named 2 2 2 3', 'function size 4 4 4 4'])
  t.strictSame(await definitions('apex', 'public with sharing class Store {\n  @AuraEnabled\n  public static List<Account> find(String name) {\n    return null;\n  }\n}\n'), ['class Store 0 0 0 5', 'method Store.find 1 2 2 4'])
  t.strictSame(await definitions('objective-c', '@interface Store : NSObject\n@property (nonatomic) NSString *name;\n- (void)close;\n@end\n'), ['class Store 0 0 0 0', 'field name 1 1 1 1', 'method close 2 2 2 2'])
  t.strictSame(await definitions('powershell', 'function Get-Store {\n  1\n}\n'), ['function Get-Store 0 0 0 2'])
})

t.test('languages without a parser', async (t) => {
  const cases: [language: string, text: string, names: string[]][] = [
    ['clojure', '(ns ring.core)\n(defn ^:private wrap-head\n  "Doc."\n  [handler]\n  handler)\n(defprotocol Store\n  (read [this]))\n', ['module ring.core', 'function wrap-head', 'interface Store']],
    ['emacs-lisp', '(defun shop-open ()\n  1)\n(defcustom shop-dir nil)\n', ['function shop-open', 'constant shop-dir']],
    ['scheme', '(define (area r)\n  (* r r))\n(struct point (x y))\n', ['function area', 'class point']],
    ['julia', 'module Acme\nmutable struct Tree\n  a::Int\nend\nsize(t::Tree) = 1\nfunction grow!(t)\nend\nend\n', ['module Acme', 'class Tree', 'function size', 'function grow!']],
    ['ocaml', 'module Store = struct\n  let rec find key = key\nend\ntype t = int\n', ['module Store', 'function Store.find', 'type t']],
    ['fsharp', 'module Acme\nlet inline find key =\n  key\ntype Cart() =\n  member this.Total = 1\n', ['module Acme', 'function find', 'type Cart', 'method Cart.Total']],
    ['zig', 'pub const Store = struct {\n    pub fn find(self: *Store) u8 {\n        return 1;\n    }\n};\n', ['class Store', 'function Store.find']],
    ['solidity', 'contract Token is Ownable {\n  event Sent(address to);\n  modifier held() { _; }\n  function send(address to) public {\n  }\n}\n', ['class Token', 'method Token.Sent', 'method Token.held', 'function Token.send']],
    ['nim', 'type\n  Tree* = ref object\n    a: int\nproc size*(t: Tree): int =\n  1\n', ['class Tree', 'function size']],
    ['vimscript', 'function! s:open(a)\nendfunction\ncommand! -nargs=* Files call s:open()\n', ['function s:open', 'macro Files']],
    ['fortran', 'module store\ncontains\n  pure integer function find(a)\n  end function\nend module\n', ['module store', 'function find']],
    ['pascal', 'type\n  TStore = class\n  end;\nprocedure TStore.Open;\nbegin\nend;\n', ['class TStore', 'function TStore.Open']],
    ['visualbasic', 'Public Class Store\n  Private Sub Open()\n  End Sub\nEnd Class\n', ['class Store', 'function Store.Open']],
    ['ada', 'package body Store is\n   procedure Open is\n   begin null; end Open;\nend Store;\n', ['module Store', 'function Store.Open']],
    ['vhdl', 'entity adder is\nend adder;\n', ['module adder']],
    ['verilog', 'module adder (input a);\n  function [3:0] sum;\n  endfunction\nendmodule\n', ['module adder', 'function adder.sum']],
    ['elm', 'type alias Model = Int\nview : Model -> Html\nview m = m\n', ['type Model', 'function view']],
    ['tcl', 'proc open_store {a} {\n}\n', ['function open_store']],
    ['assembly', 'main:\n  mov eax, 1\n', ['function main']],
    ['batch', ':build\necho x\n', ['function build']],
    ['crystal', 'class Store\n  def find(key)\n  end\nend\n', ['class Store', 'function Store.find']],
    ['gleam', 'pub fn find(key: String) {\n  key\n}\n', ['function find']]
  ]
  for (const [language, text, names] of cases) {
    t.strictSame((await definitions(language, text)).map((line) => line.replace(/( \d+){4}$/, '')), names, language)
  }
})

t.test('SQL', async (t) => {
  const { definitions, references, by } = await extractSymbols('sql', `-- People.
CREATE TABLE IF NOT EXISTS app.people (
  id bigint primary key
);

CREATE OR REPLACE FUNCTION adult(age int) RETURNS boolean AS $$
BEGIN
  RETURN age >= 18;
END;
$$ LANGUAGE plpgsql;

CREATE PROCEDURE tidy()
BEGIN
  DELETE FROM app.logs;
END;

create view grown as select * from people join teams on true
alter table people add column age int;
`)
  t.equal(by, 'text')
  t.strictSame(describe({ definitions, references, imports: [], comments: [], by }), [
    'class people 0 1 1 3',
    'function adult 5 5 5 9',
    'function tidy 11 11 11 14',
    'class grown 16 16 16 16',
    'section people 17 17 17 17'
  ])
  t.strictSame(references, ['logs', 'teams'])
})

t.test('headings of Markdown', async (t) => {
  t.strictSame(await definitions('markdown', '# Title\n\ntext\n\n## One ##\n\n```sh\n# not a heading\n```\n\nUnder\n-----\n\n- item\n---\n\nTop\n===\n'), [
    'section Title 0 0 0 15',
    'section Title.One 4 4 4 9',
    'section Title.Under 10 10 11 15',
    'section Top 16 16 17 18'
  ])
})

t.test('what describes interfaces, builds and infrastructure', async (t) => {
  t.strictSame(await definitions('protobuf', 'message User {\n  string name = 1;\n}\nservice Users {\n  rpc Get(User) returns (User);\n}\n'), ['class User 0 0 0 2', 'class Users 3 3 3 5', 'method Users.Get 4 4 4 4'])
  t.strictSame(await definitions('terraform', 'resource "aws_s3_bucket" "logs" {\n  bucket = "x"\n}\n'), ['section resource "aws_s3_bucket" "logs" 0 0 0 2'])
  t.strictSame(await definitions('graphql', 'type User {\n  name: String\n}\n'), ['type User 0 0 0 2'])
  t.strictSame(await definitions('makefile', 'CC = gcc\nall: build\n\tgcc x\n'), ['constant CC 0 0 0 0', 'function all 1 1 1 2'])
  t.strictSame(await definitions('toml', '[package]\nname = "x"\n'), ['section package 0 0 0 0'])
})

t.test('prose and data declare nothing', async (t) => {
  for (const language of ['text', 'json', 'yaml', 'restructuredtext', undefined]) {
    const { definitions, references, imports } = await extractSymbols(language, 'class act of the type we import from Foo (bar)\nimport x\n')
    t.strictSame({ definitions, references, imports }, { definitions: [], references: [], imports: [] }, language ?? 'none')
  }
})

t.test('imports and references', async (t) => {
  const { imports, references } = await extractSymbols('lua', 'local a = require("acme.a")\nlocal b = require "acme.b"\nlocal c = a.find(B)\nprint(c)\n')
  t.strictSame(imports, ['acme.a', 'acme.b'])
  t.strictSame(references, ['require', 'a', 'b', 'find', 'B', 'print'])
  t.equal((await extractSymbols('lua', Array.from({ length: 3000 }, (_, index) => `f${index}()`).join('\n'))).references.length, 2000)
})
