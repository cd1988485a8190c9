import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

const CALLS = /system_?prompt|systemPrompt|SYSTEM_PROMPT|["']?role["']?\s*[:=]\s*["'](?:system|user)["']|messages\.create|chat\.completions|ChatPromptTemplate|PromptTemplate|\bYou are (?:a|an|the)\b|generateText|streamText|GenerativeModel/

export default definePlugin({
  kind: 'context-strategy',
  name: 'prompts',
  description: 'Prompts and templates for language models',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'prompts',
    maxItems,
    clock,
    // Whatever its ending, a prompt is what such an agent edits: its source.
    as: 'source',
    rules: [
      {
        paths: ['prompts/', 'prompt/', 'prompt-templates/', 'prompt_templates/', 'system-prompts/', 'system_prompts/', '.github/prompts/'],
        score: 1,
        reason: 'file of the prompts folder'
      },
      {
        paths: ['*.prompt', '*.prompt.*', '*.prompty', 'system_message*', 'system-message*', '*.promptfile'],
        score: 1,
        reason: 'prompt by name'
      },
      { words: ['prompt'], score: 0.9, reason: 'prompt by name' },
      {
        paths: ['promptfoo*.y*ml', 'promptfooconfig*', 'langfuse*', 'evals/', 'prompt-evals/', 'few_shot*', 'few-shot*', 'fewshot*'],
        score: 0.75,
        reason: 'evaluation or examples of prompts'
      },
      {
        paths: [
          'llm/*.j2', 'llm/*.jinja*', 'llm/*.txt', 'llm/*.md', 'templates/*.j2', 'templates/*.jinja*', 'templates/*.txt', 'agents/*.y*ml',
          'agents/*.md', 'agents/*.json', '.claude/agents/', '.claude/commands/', '*.hbs'
        ],
        content: /\byou are\b|\bassistant\b|\bsystem\b|\buser\b.{0,200}\{\{|\brespond\b|\binstructions?\b/i,
        score: 0.7,
        reason: 'template addressed to a model'
      },
      {
        words: [
          'llm', 'chat', 'chatbot', 'completion', 'assistant', 'agent', 'openai', 'anthropic', 'claude', 'gpt', 'gemini', 'ollama',
          'langchain', 'rag', 'copilot', 'summarizer', 'conversation', 'ai'
        ],
        kinds: ['source'],
        content: CALLS,
        score: 0.8,
        reason: 'talks to a language model'
      },
      {
        paths: ['src/', 'app/', 'lib/', 'api/', 'server/'],
        kinds: ['source'],
        content: /ChatPromptTemplate|messages\.create\(|chat\.completions\.create|SYSTEM_PROMPT|systemPrompt|system_prompt/,
        score: 0.6,
        reason: 'talks to a language model'
      }
    ]
  })
})
