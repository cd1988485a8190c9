import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'mobile-platform',
  description: 'Project files of iOS and Android, manifests and store metadata',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'mobile-platform',
    maxItems,
    clock,
    rules: [
      {
        paths: ['fastlane/fastfile', 'fastlane/appfile', 'fastlane/matchfile', 'fastlane/deliverfile', 'codemagic.yaml', 'bitrise.yml'],
        score: 0.7,
        reason: 'delivery to the stores'
      },
      { paths: ['fastlane/metadata/', 'store-listing/', 'store/*.txt', 'play-store/', 'app-store/'], score: 0.45, reason: 'store metadata' }
    ],
    choice: {
      parameter: 'platforms',
      groups: {
        ios: [
          {
            paths: ['info.plist', '*-info.plist', '*.entitlements', 'privacyinfo.xcprivacy', 'exportoptions*.plist'],
            score: 1,
            reason: 'declaration of the iOS app'
          },
          {
            paths: ['podfile', 'package.swift', 'project.yml', 'tuist/', 'project.swift', '*.podspec', '*.xcconfig'],
            score: 0.9,
            reason: 'build of the iOS app'
          },
          {
            paths: ['appdelegate.*', 'scenedelegate.*', '*app.swift', 'contentview.swift'],
            kinds: ['source'],
            score: 0.8,
            reason: 'entry of the iOS app'
          },
          {
            paths: [
              '*.xcstrings', 'localizable.strings', 'infoplist.strings', '*.storyboard', '*.xib', '*.xcdatamodeld/',
              '*.xcassets/contents.json'
            ],
            score: 0.4,
            reason: 'resource of the iOS app'
          },
          // Thousands of lines of identifiers, yet the only place that lists targets.
          { paths: ['project.pbxproj', '*.xcscheme', '*.xcworkspacedata'], score: 0.3, reason: 'Xcode project' }
        ],
        android: [
          { paths: ['androidmanifest.xml'], score: 1, reason: 'manifest of the Android app' },
          {
            paths: [
              'build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts', 'gradle.properties', 'libs.versions.toml'
            ],
            score: 0.85,
            reason: 'build of the Android app'
          },
          {
            paths: ['mainactivity.*', '*application.kt', 'mainapplication.*'],
            kinds: ['source'],
            score: 0.8,
            reason: 'entry of the Android app'
          },
          {
            paths: [
              'proguard-rules.pro', 'proguard*.pro', 'res/xml/', 'lint.xml', 'google-services.json.example', 'network_security_config.xml'
            ],
            score: 0.7,
            reason: 'settings of the Android app'
          },
          { paths: ['res/values/', 'res/navigation/', 'res/layout/', 'res/values-*/'], score: 0.4, reason: 'resource of the Android app' }
        ],
        flutter: [
          { paths: ['pubspec.yaml'], score: 1, reason: 'manifest of Flutter' },
          {
            paths: ['lib/main.dart', 'lib/main_*.dart', 'lib/app.dart', 'lib/router*.dart', 'lib/routes*.dart'],
            kinds: ['source'],
            score: 0.9,
            reason: 'entry of the Flutter app'
          },
          {
            paths: [
              'build.yaml', 'l10n.yaml', 'analysis_options.yaml', 'melos.yaml', 'flutter_launcher_icons.yaml',
              'flutter_native_splash.yaml', '.metadata', '*.arb'
            ],
            score: 0.5,
            reason: 'settings of Flutter'
          },
          { paths: ['pubspec_overrides.yaml', 'firebase_options.dart'], score: 0.5, reason: 'settings of Flutter' }
        ],
        'react-native': [
          {
            paths: ['app.config.js', 'app.config.ts', 'metro.config.*', 'react-native.config.js', 'eas.json'],
            score: 0.95,
            reason: 'settings of React Native'
          },
          {
            paths: ['/app.json', 'app.json'],
            content: /"(?:expo|displayName|name)"\s*:/,
            score: 0.9,
            reason: 'declaration of the React Native app'
          },
          { paths: ['package.json'], content: /"(?:react-native|expo)"\s*:/, score: 1, reason: 'manifest of React Native' },
          {
            paths: ['/index.js', '/index.ts', '/app.tsx', '/app.js', 'app/_layout.tsx', 'navigation/', 'navigators/'],
            kinds: ['source'],
            content: /react-native|expo/,
            score: 0.85,
            reason: 'entry of the React Native app'
          },
          { paths: ['babel.config.js'], content: /react-native|expo/, score: 0.6, reason: 'build of React Native' }
        ]
      }
    }
  })
})
