"""Writes jinja.json: what Jinja2, in the environment of transformers' apply_chat_template, makes of templates.

    python tests/reference/make_jinja.py

Needs jinja2 and transformers; their versions are in the file. A row is a source and its text, null where Jinja2
refuses it.
"""

import datetime
import json
import pathlib
import random
import re
import warnings

import jinja2
import transformers
from transformers.utils.chat_template_utils import _compile_jinja_template

HERE = pathlib.Path(__file__).parent
MESSAGES = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello \U0001f642"},
    {"role": "user", "content": "x"},
]

# Statements, scopes, macros, loops and what is printed.
STATEMENTS = r"""
{% for m in messages %}{% if loop.first %}{% set x = 1 %}{% endif %}{{ x }}{% endfor %}
{% set x = 0 %}{% for m in messages %}{{ x }}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}
{% set ns = namespace(x=0) %}{% for m in messages %}{% set ns.x = ns.x + 1 %}{% endfor %}{{ ns.x }}
{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem.role }}{{ loop.nextitem.role if not loop.last }}{% endfor %}
{% for m in messages %}{{ loop.previtem.role if loop.previtem is defined else '-' }}{{ loop.cycle('a','b') }}{{ loop.changed(m.role) }}{% endfor %}
{% for m in messages if m.role == 'user' %}{{ loop.index }}/{{ loop.length }} {% endfor %}
{% for m in messages if m.role == 'x' %}a{% else %}none{% endfor %}
{% for m in messages %}a{% continue %}b{% else %}none{% endfor %}
{% for m in messages %}a{% break %}b{% else %}none{% endfor %}
{% for m in messages %}{% for c in m.content %}{% if c == 'i' %}{% break %}{% endif %}{{ c }}{% endfor %}|{% endfor %}
{% for m in messages %}{% if loop.index == 2 %}{% continue %}{% endif %}{{ m.role }}{% if loop.last %}{% break %}{% endif %},{% endfor %}
{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}
{% for k, v in messages[0]|items %}{{ k }}={{ v }};{% endfor %}
{% for k in messages[0] %}{{ k }};{% endfor %}
{% for a in messages %}{% for b in messages %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}
{% macro f(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }}{{ f(1, 3) }}{{ f(1, c=9) }}{{ f(b=1) }}
{% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, 3, z=4) }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, z=2) }}
{% macro f(a) %}{{ x }}{% endmacro %}{% set x = 5 %}{{ f(1) }}{% for x in [7] %}{{ f(1) }}{% endfor %}
{% macro f() %}[{{ caller() }}]{% endmacro %}{% call f() %}in{% endcall %}
{% macro f() %}[{{ caller(1) }}]{% endmacro %}{% call(a) f() %}in{{ a }}{% endcall %}
{% macro f() %}[{{ caller }}]{% endmacro %}{{ f() is string }}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}
{% macro f() %}{% set q = 1 %}{{ q }}{% endmacro %}{{ f() }}{{ q }}
{% macro f() %}  a  {% endmacro %}{{ f()|trim }}|{{ f() + 'x' }}|{{ f() ~ 1 }}|{{ f()|length }}
{% set x %}  a{{ 1 }}
b{% set y = 3 %}{% endset %}[{{ x }}][{{ y }}]
{% set x | upper %}abc{% endset %}{{ x }}
{% filter upper %}abc{{ 'd' }}{% endfilter %}
{% filter trim %}  abc {% endfilter %}|
{% generation %}a{% set q = 1 %}{{ q }}{% endgeneration %}{{ q }}
{% for m in messages %}{%- generation -%} {{ m.role }} {%- endgeneration -%}  {% endfor %}
{% for m in messages %}{% generation %}{{ loop.index }}{% endgeneration %}{% endfor %}
{% if messages[0].role == 'user' and not undef %}y{% elif true %}z{% else %}n{% endif %}
{% if undef %}y{% elif 0 %}z{% else %}n{% endif %}
{% if undef.x %}y{% endif %}
{{ undef.x is defined }}
{{ messages[0].nothing.x is defined }}
{{ messages[0].nothing is defined }}
{{ messages[0].nothing or 'd' }}{{ messages[0]['nothing'] | default('e') }}
{{ messages.0.role }}{{ messages[0]['role'] }}{{ messages[-1].content }}
{{ messages | length }}{{ messages|map(attribute='role')|join(',') }}{{ (messages|last).role }}{{ (messages|first)['role'] }}
{{ messages[1:] | map(attribute='role') | list }}
{{ messages | selectattr('role','equalto','user') | list | length }}
{{ messages | selectattr('role','in',['user','system']) | map(attribute='content') | join('|') }}
{{ messages | selectattr('role') }}
{% if messages | selectattr('role','equalto','x') %}gen{% endif %}
{% set l = messages | selectattr('role','equalto','user') %}{{ l|list|length }}{{ l|list|length }}
{{ 1 if true else 2 if false else 3 }}{{ (1 if false) }}|
{{ 'a' 'b' }}{{ 'a' ~ 1 ~ none ~ true ~ undef }}
{{ 1 < 2 < 3 }}
{{ 1 == 1 == 1 }}
{{ (1 == 1) == true }}{{ (1 < 2) != (3 < 2) }}
{{ 2 ** 3 ** 2 }}{{ -2 ** 2 }}{{ 7 // 2 }}{{ -7 // 2 }}{{ -7 % 3 }}{{ 7 / 2 }}{{ 6 / 2 }}{{ 7.5 // 2 }}
{{ 1 + 2 ~ 3 }}
{{ 'a' + 'b' ~ 3 }}
{{ 'a' + 1 ~ 3 }}
{{ 1 ~ 2 * 3 }}{{ 'x' ~ 2 + '3' }}
{{ not true and false }}{{ not (true and false) }}{{ not 1 == 2 }}{{ not 1 in [2] }}
{{ 'x' is string and 'y' is not none }}{{ 5 is odd }}{{ 5 is not odd or true }}
{{ 3 is divisibleby(3) }}{{ 4 is divisibleby 3 }}{{ 'x' in 'xyz' }}{{ 'x' not in 'xyz' }}
{{ {'a': 1}.a }}{{ {'a': {'b': 2}}.a.b }}{{ {'items': 3}.items is callable }}{{ {'items': 3}['items'] }}
{{ {1: 'x', none: 'y'} }}{{ {1:'x'}[1] }}
{{ [1,2] + [3] }}{{ (1,) }}
{{ (1, 2) }}{{ () }}
{{ "\n\t\x41\u00e9\'\"\\ \d \q \101" }}
{{ 'a\
b' }}
{{ 1_000 }}{{ 1.5e3 }}{{ 0x1F }}{{ 1e-7 }}{{ 0.1 + 0.2 }}{{ 1e16 }}{{ 123456789012345.0 }}{{ 5.0 }}{{ 100 * 1.1 }}
{{ 10 ** 20 }}
{{ '%s-%d' % ('a', 3) }}{{ '%s' % 'x' }}{{ '%5s' % 'x' }}{{ "%.2f" % 2.5 }}
{{ range(5) | list }}{{ range(1, 10, 3) | list }}{{ range(5, 0, -2) | list }}{{ range(3) }}
{% for i in range(3) %}{{ i }}{% endfor %}{% for c in 'añ🙂' %}{{ c }}.{% endfor %}
{{ true }}{{ True }}{{ none }}{{ None }}{{ false }}
{{ messages }}
{{ messages | tojson }}{{ messages[0] | tojson(indent=4) }}{{ {'a': [], 'b': {}, 'c': [1, {'d': 1.0}]} | tojson(indent=2) }}{{ '<>&\'é🙂' | tojson }}{{ 'é🙂' | tojson(ensure_ascii=true) }}
{{ tools }}{{ documents }}{{ tools is none }}{{ tools is defined }}{{ add_generation_prompt }}{{ bos_token }}{{ pad_token is defined }}
{{ bos_token + 'x' }}{{ eos_token ~ 'x' }}
{% set messages = messages[1:] %}{{ messages | length }}
{% if true %}{% set z = 1 %}{% endif %}{{ z }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, 2 %}{{ c }}
{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}{{ ns.b }}{{ ns }}
{% set d = {'a': 1} %}{% set d.a = 2 %}
{% set _ = [1].append(2) %}
{{ [].append }}|
{% raw %}{{ x }} {% if %}{% endraw %}
  {%- raw -%}  a {%- endraw -%}  b
{# comment #}x{#- c -#} y {# multi
line #}
z
{% include 'x' %}
{% with a = 1 %}{{ a }}{% endwith %}
{% do [] %}
{% block a %}x{% endblock %}
{% import 'x' as y %}
{% autoescape true %}{% endautoescape %}
{{ x|nosuch }}
{% if false %}{{ x|nosuch }}{% endif %}y
{{ x is nosuch }}
{% if false %}{{ x is nosuch }}{% endif %}y
{{ lipsum() }}
{{ cycler('a').next() }}
{{ self }}
{{ loop }}
{{ caller }}
{{ varargs }}
{{ messages[0].content[0:3] }}{{ messages[0]['content'].split('i')[-1] }}
{{ ' a '.strip() + 'b' }}{{ 'a-b-c'.split('-')[1:] }}{{ 'abc'[1] }}{{ 'abc'[-1:] }}
{{ 'a' < 'b' }}{{ [1,2] < [1,3] }}{{ (1,2) == (1,2) }}{{ [1] == (1,) }}{{ 1 == 1.0 }}{{ 1 == true }}{{ '1' == 1 }}{{ none == undef }}{{ undef == undef2 }}{{ {} == {} }}
{{ 'x' * 3 }}{{ [1] * 2 }}{{ 3 * 'x' }}
{{ messages[0] == {'role': 'user', 'content': 'Hi'} }}
{{ 'role' in messages[0] }}{{ 'x' in undef }}{{ undef in [1] }}{{ none in [none] }}
{{ messages[0].get('role') }}{{ messages[0].get('x', 'y') }}{{ messages[0].keys() | list }}
{{ messages[0].update({'a': 1}) }}
{{ messages|groupby('role') }}
{{ 'abc'|truncate(2) }}{{ 'a b'|wordwrap(1) }}
{{ 'http'|urlize }}
{{ 3.7|int }}{{ '3.7'|int }}{{ 'x'|int }}{{ none|int }}{{ 2.5|round }}{{ 3.5|round }}{{ 2.567|round(1) }}{{ 2.4|round(method='ceil') }}{{ 3|round }}
{% for x in [1,2,3] recursive %}{{ x }}{% endfor %}
{% for (a, b) in [(1,2)] %}{{ a }}{{ b }}{% endfor %}
{% for a, (b, c) in [(1,(2,3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for a, b in [[1,2],[3]] %}{{ a }}{% endfor %}
{% endif %}
{% if true %}
{{ (1 }}
{{ 1 } }}
{{ }}
{% %}
{% for x in %}{% endfor %}
{{ a b }}
{{ 'abc }}
{{ [1, 2 }}
{{ f(x=1, 2) }}
{{ messages[0].role.upper().lower()[0] }}
{{ (messages | first).role | upper ~ '!' }}
{{ messages | map(attribute='role') | map('upper') | join(' ') }}
{{ messages | map('length') | list }}
{{ none.x }}
{{ none['x'] is defined }}{{ none[0] is defined }}
{{ 5 .x is defined }}{{ (5)['x'] is defined }}
{{ undef() }}
{{ 'x'() }}
{{ undef[0] }}
{{ undef|length }}{{ undef|list }}{{ undef|join }}{{ undef|upper }}|{{ undef|tojson }}
{{ undef + 1 }}
{{ none + 'a' }}
{{ none ~ 'a' }}{{ [none, undef] }}
{{ messages | sort(attribute='role') | map(attribute='role') | list }}
{{ ('a' if messages else 'b') ~ 'c' }}
{%- set a = 1 -%}   {{- a -}}   x
{% set a = 1 %}
  {% if a %}
    text
  {% endif %}
end
   {%+ if true %}x{%+ endif +%}
y
{{ '{{' }}{{ "%}" }}{{ '}}' }}
{{ {'a': {'b': 1}}}}
{%if true%}x{%endif%}{%-if true-%} y {%-endif-%}
{{- ' a ' -}}
a{{ 'b' }}
c
{{ eos_token }}
\t {% if true %}\tx\t{% endif %} \t
y
{% set ns = namespace(go=true) %}{% for m in messages if ns.go %}{{ m.role }}{% set ns.go = false %}{{ loop.index }}{% endfor %}
{% set ns = namespace(go=true) %}{% for m in messages if ns.go %}{{ loop.last }}{% set ns.go = false %}{{ loop.length }}{% endfor %}
{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}
""".strip().split("\n") + [
    "{% if true %}\r\n  a\r\n{% endif %}\r\nb{{ 'c\r\nd' }}\r\n", "a\rb\r{% if true %}\rc{% endif %}\r", "a\n\n", "{{ 'a\rb' }}",
    "{% for m in messages %}\n  {% if m.role == 'user' %}\n    {{ m.content }}\n    {% continue %}\n  {% endif %}\n  z\n{% endfor %}\n",
    "{% set x %}\n  a\n{%- endset %}[{{ x }}]", "{{ 'a\\\nb' }}", "{# two\nlines #}\nx{#- y -#}\n z",
]

VALUES = [
    "'aB c'", "''", "' x\\n y '", "'\xdf\u0130'", "'\U0001f642a\U0001f642'", "'a,b,,c'", "0", "-3", "2.5", "1e20", "true", "none", "undef",
    "[1,'a',none,true,2.0]", "[]", "(1,2)", "{'a':1,'b':[1,{'c':none}]}", "{}", "messages", "' 42 '", "'Hello World foo'",
    "'\\u0000\\x7f\\u2028\\xa0\\ufeff'",
]
FILTERS = ['abs', 'capitalize', 'count', "default('d')", "default('d',true)", 'd', 'dictsort', 'first', 'float', 'int', 'int(7)', 'items|list', 'join', "join(', ')", 'last', 'length', 'list', 'lower', 'max', 'min', 'reverse', 'reverse|list', 'round', 'sort', 'sort(reverse=true)', 'string', 'sum', 'title', 'tojson', 'tojson(indent=2)', 'tojson(ensure_ascii=true)', 'tojson(indent=1,sort_keys=true)', 'trim', "trim('ac')", 'unique|list', 'upper', "map('upper')|list", "map('string')|join('-')", "map(attribute='role')|list", 'select|list', "select('string')|list", "reject('none')|list", "selectattr('role','equalto','user')|list", "rejectattr('role','eq','user')|map(attribute='content')|join", "replace('a','b')", "replace('','-')", "replace('a','Z',1)", 'indent', 'indent(2,true)', 'indent(2,false,true)', 'indent(first=true)', 'center(9)', 'batch(2)|list', "batch(2,'x')|list", 'safe', 'format(1,2)', 'wordcount', 'e', 'length is odd', "batch(3)|map('first')|list", "select('odd')|list", "min(attribute='role')", "sort(attribute='content')|map(attribute='role')|list", "join(attribute='role')", "join(',',attribute='content')", "tojson(separators=(',',':'))"]
TESTS = ["defined","undefined","none","boolean","true","false","integer","float","number","string","mapping","iterable","sequence","callable","odd","even","lower","upper","divisibleby(2)","divisibleby 3","eq(1)","in [1,2]","in('aB c')","sameas none","sameas true","ne 1","gt 0","not none","not string","equalto('')", "not divisibleby(2)"]
METHODS = ["upper()","lower()","title()","capitalize()","strip()","strip('a x')","lstrip('a')","rstrip()","split()","split(',')","split(',',1)","split(none,1)","rsplit(' ',1)","rsplit(none,1)","rsplit(none)","splitlines()","splitlines(true)","startswith('a')","startswith(('a','b'))","endswith('c')","replace('a','b')","replace('a','b',1)","find('b')","rfind('a')","index('a')","count('a')","count('')","join(['x','y'])","isdigit()","isalpha()","isalnum()","isspace()","islower()","isupper()","zfill(8)","ljust(8)","rjust(8,'*')","center(8,'*')","center(9)","partition(' ')","rpartition(' ')","removeprefix('a')","removesuffix('c')","format(1)","get('a')","get('z')","get('z',5)","items()","keys()|list","values()|list","items()|list","append(1)","pop('a')","copy()","foo","foo()","a","b","role","content","x","index(1)","isascii()","isdecimal()","swapcase()","encode()","__class__","_x","update({})","casefold()"]
PARTS = ["[0]","[-1]","[9]","[1:]","[:-1]","[::-1]","[::2]","[1:3]","[-2:]","['a']","['role']","['items']","['x']","[none]","[:]","[5:1:-1]","[true]"]
OPERATORS = ["+","-","*","/","//","%","**","~","==","!=","<","<=",">",">=","in","not in","and","or"]
BLANKS = [" ","\n","  ","x","\t","\r\n", "\r","\u00a0","y\n","\n\n","{{ 1 }}","{{- 1 }}","{{ 1 -}}","{{- 1 -}}","{# c #}","{#- c #}","{# c -#}","{#- c -#}\n","{#+ c +#}","{% raw %} r {% endraw %}","{%- raw -%} r {%- endraw -%}","{%+ raw %}r\n{% endraw +%}","{% raw %}\n r \n {% endraw %}\n","{% set a = 1 %}","{%- set a = 1 %}","{% set a = 1 -%}","{%+ set a = 1 %}","{% set a = 1 +%}","{%-set a = 1-%}","{% set b %} b {% endset %}","{% set b -%} b\n {%- endset %}","{% if 1 %}","{%- if 1 -%}","{%+ if 1 %}","{% if 0 +%}","{% generation %}","{%- generation -%}"]
ENDS = {"i":["{% endif %}","{%- endif -%}","{%+ endif +%}","{%endif%}","{%- endif %}"],"g":["{% endgeneration %}","{%- endgeneration -%}"]}


def expressions(rng: random.Random) -> list:
    rows = []
    for value in VALUES:
        pick = lambda these, count: rng.sample(these, count)  # noqa: E731
        rows += ["{{ %s }}" % value, "{%% for x in %s %%}<{{ x }}>{%% else %%}none{%% endfor %%}" % value, "{{ 'T' if %s }}" % value]
        rows += ["{{ %s|%s }}" % (value, f) for f in pick(FILTERS, 18)] + ["{{ %s is %s }}" % (value, t) for t in pick(TESTS, 8)]
        rows += ["{{ (%s).%s }}" % (value, m) for m in pick(METHODS, 16)]
        # Of a name: what is constant Jinja2 works out when it reads the template, by other rules.
        rows += ["{%% set v = %s %%}{{ v%s }}" % (value, p) for p in pick(PARTS, 6)]
        rows += ["{{ %s %s %s }}" % (value, o, rng.choice(VALUES)) for o in OPERATORS]
    return rows


def blanks(rng: random.Random, count: int) -> list:
    rows = []
    for _ in range(count):
        text, open_blocks = "", []
        for _ in range(rng.randint(1, 12)):
            piece = rng.choice(BLANKS)
            open_blocks += ["i"] * bool(re.search(r"%[-+ ]*if", piece)) + ["g"] * bool(re.search(r"%-? generation", piece))
            text += piece
            if open_blocks and rng.random() < 0.35:
                text += rng.choice(ENDS[open_blocks.pop()])
        while open_blocks:
            text += rng.choice(ENDS[open_blocks.pop()])
        rows.append(text)
    return rows


def rendered(source: str):
    try:
        return _compile_jinja_template(source).render(
            messages=json.loads(json.dumps(MESSAGES)), tools=None, documents=None, add_generation_prompt=False, eos_token="</s>")
    except Exception:
        return None


def dates() -> list:
    rows = []
    for date in ([2024, 2, 29, 13, 5, 9], [2026, 1, 1, 0, 0, 0], [2025, 12, 31, 12, 59, 59]):
        for form in ("%Y-%m-%d", "%d %b %Y", "%A, %B %-d, %j %p %I %y %e %H:%M:%S", "%a %u %w %D %F %R %T %% %-m"):
            rows.append({"date": date, "format": form, "text": datetime.datetime(*date).strftime(form)})
    return rows


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    rng = random.Random(15)
    sources = list(dict.fromkeys(STATEMENTS + expressions(rng) + blanks(rng, 250)))
    rows = [[source, rendered(source)] for source in sources]
    content = {"made_by": "tests/reference/make_jinja.py", "versions": {m.__name__: m.__version__ for m in (jinja2, transformers)},
               "messages": MESSAGES, "rows": rows, "dates": dates()}
    text = json.dumps(content, ensure_ascii=True)
    (HERE / "jinja.json").write_text(text + "\n")
    print(f"jinja.json: {len(text)} bytes, {len(rows)} templates, {sum(text is None for _, text in rows)} refused")
