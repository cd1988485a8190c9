import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

const LIBRARY = /modelcontextprotocol|\bMcpServer\b|\bFastMCP\b|fastmcp|mcp\.server|mcp-go|\brmcp\b|mcp\.types|McpClient|StdioServerTransport|StreamableHTTP/

export default definePlugin({
  kind: 'context-strategy',
  name: 'mcp',
  description: 'MCP servers, their tools and client configuration',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'mcp',
    maxItems,
    clock,
    rules: [
      {
        paths: [
          '.mcp.json', 'mcp.json', 'mcp-config*.json', 'mcp_config*.json', 'mcp-servers*.json', 'mcp_settings*.json',
          'claude_desktop_config*.json', 'smithery.y*ml', '.cursor/mcp.json', '.vscode/mcp.json', '*.mcp.json'
        ],
        score: 1,
        reason: 'configuration of MCP clients'
      },
      { words: ['mcp', 'modelcontextprotocol'], kinds: ['source'], score: 0.95, reason: 'MCP code by name' },
      {
        words: ['server', 'tool', 'resource', 'prompt', 'transport', 'handler', 'client', 'registry', 'sampling', 'stdio'],
        kinds: ['source'],
        content: LIBRARY,
        score: 0.9,
        reason: 'uses an MCP library'
      },
      {
        paths: ['index.*', 'main.*', 'app.*', 'src/', '__main__.py'],
        kinds: ['source'],
        content: LIBRARY,
        score: 0.8,
        reason: 'uses an MCP library'
      },
      // The same name serves many a manifest; its content tells.
      {
        paths: [
          'server.json', 'manifest.json', 'settings.json', '.claude/settings.json', 'opencode.json', '.codex/config.toml',
          '.gemini/settings.json'
        ],
        content: /mcpServers|mcp_servers|modelcontextprotocol|mcp_config|"mcp"|"dxt_version"/,
        score: 0.9,
        reason: 'declares MCP servers'
      },
      {
        paths: ['package.json', 'pyproject.toml', 'requirements*.txt', 'go.mod', 'cargo.toml', '*.csproj', 'build.gradle*', 'pom.xml'],
        content: /modelcontextprotocol|fastmcp|["'\s]mcp(?:\[\w+\])?["'\s>=~^]|mcp-go|rmcp/i,
        score: 0.7,
        reason: 'depends on an MCP library'
      },
      { words: ['mcp'], kinds: ['documentation', 'configuration', 'other'], score: 0.6, reason: 'MCP by name' },
      {
        paths: ['/readme*', 'docs/*.md'],
        content: /model context protocol|mcpServers|\bMCP server/i,
        score: 0.4,
        reason: 'documentation of MCP'
      }
    ]
  })
})
