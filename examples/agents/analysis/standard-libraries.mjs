// What belongs to a language itself, so that it is no dependency of the project.
import { builtinModules } from 'node:module'

// `sys.stdlib_module_names` of Python 3.11, and what was in it until 3.12.
const PYTHON = new Set(`
  __future__ abc aifc antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii bisect builtins bz2 cProfile
  calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall concurrent configparser contextlib contextvars copy copyreg
  crypt csv ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl
  filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http
  idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3 linecache locale logging lzma mailbox mailcap marshal math
  mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev
  pathlib pdb pickle pickletools pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc
  pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site
  smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess
  sunau symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap this threading time timeit tkinter token tokenize tomllib
  trace traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uu uuid venv warnings wave weakref webbrowser winreg
  winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
`.trim().split(/\s+/))

const RUST = new Set(['std', 'core', 'alloc', 'crate', 'self', 'super', 'proc_macro', 'test'])
const RUBY = new Set(('base64 benchmark bigdecimal cgi csv date delegate digest English erb etc fileutils find forwardable io ipaddr json logger monitor net ' +
  'observer open3 open-uri openssl optparse ostruct pathname pp prime psych rbconfig securerandom set shellwords singleton socket stringio strscan ' +
  'tempfile thread time timeout tmpdir tsort uri weakref yaml zlib').split(' '))
const C_FOLDERS = new Set(['sys', 'arpa', 'netinet', 'net', 'linux', 'bits', 'asm'])

/** Takes the first part of a name: a package in JavaScript, Python, Rust and Ruby, a folder in C, a whole name on the JVM. */
export const isStandard = {
  script: (name) => builtinModules.includes(name),
  python: (name) => PYTHON.has(name),
  rust: (name) => RUST.has(name),
  ruby: (name) => RUBY.has(name),
  c: (folder) => C_FOLDERS.has(folder),
  jvm: (name) => /^(java|javax|kotlin|scala|sun|jdk)\./.test(name)
}
