import ByteText

/// Which words and variables of a program name the model that it uses (section [Model] of agents.d).
package struct ModelOptions: Equatable, Sendable {
  /// Words after which the model's name stands.
  package var names: [[UInt8]] = []
  /// Words after which a repository of Hugging Face stands.
  package var sources: [[UInt8]] = []
  /// Words after which the repository's revision stands.
  package var revisions: [[UInt8]] = []
  /// Variables of the program's own environment that hold the name.
  package var environment: [String] = []
  /// A name such as `ORG/NAME` is a repository of Hugging Face.
  package var isHuggingFace = false
  /// The model may be one that runs on this host.
  package var mayBeLocal = false
}

/// A language model as a command line, an environment or an open file names it. Every text is
/// escaped and at most 256 bytes.
package struct ModelReference: Equatable, Sendable {
  /// `meta-llama/Llama-3.1-8B-Instruct`.
  package var name: String
  /// Where it comes from: `huggingface:ORG/NAME`, `file:/PATH`, `ollama`; nil when nothing says.
  package var source: String?
  /// A branch, a tag, a commit's id, or the checksum of a file of weights.
  package var revision: String?

  package init(name: String, source: String? = nil, revision: String? = nil) {
    self.name = name
    self.source = source
    self.revision = revision
  }

  /// One line for people.
  package var text: String {
    name + (source.map { " from \($0)" } ?? "") + (revision.map { ", revision \($0)" } ?? "")
  }

  /// What a command line says; nil where it names no model.
  init?(in words: [ArraySlice<UInt8>], _ options: ModelOptions) {
    let names = options.names.isEmpty ? [Array("--model".utf8)] : options.names
    let repository = Self.value(of: options.sources, in: words)
    guard let named = Self.value(of: names, in: words) ?? repository else { return nil }
    if let cached = ModelReference(cached: named) {
      self = cached
    } else {
      self.init(named: named, isRepository: options.isHuggingFace)
    }
    if let repository {
      // `ORG/NAME:QUANTISATION`.
      let plain = repository.prefix { $0 != UInt8(ascii: ":") }
      source = "huggingface:" + escaped(plain.prefix(256))
    }
    if let given = Self.value(of: options.revisions, in: words) {
      revision = escaped(given.prefix(128))
    }
  }

  private init(named: ArraySlice<UInt8>, isRepository: Bool) {
    let slash = UInt8(ascii: "/")
    let parts = named.split(separator: slash)
    let last = parts.last ?? named
    let blob = "sha256-"
    if last.starts(with: blob.utf8), last.count > blob.utf8.count {
      self.init(
        name: escaped(last.prefix(blob.utf8.count + 12)), source: "ollama",
        revision: escaped(last.prefix(128)))
    } else if named.first == slash || named.first == UInt8(ascii: ".") {
      self.init(name: escaped(last.prefix(128)), source: "file:" + escaped(named.prefix(256)))
    } else {
      self.init(name: escaped(named.prefix(128)))
      if isRepository, parts.count == 2 { source = "huggingface:" + escaped(named.prefix(256)) }
    }
  }

  /// What a path in Hugging Face's cache says: `.../models--ORG--NAME/snapshots/REVISION/...`.
  init?(cached path: ArraySlice<UInt8>) {
    let parts = path.split(separator: UInt8(ascii: "/"))
    let mark = "models--"
    guard
      let at = parts.firstIndex(where: {
        $0.starts(with: mark.utf8) && $0.count > mark.utf8.count && $0.count <= 200
      })
    else { return nil }
    let name = Self.separated(parts[at].dropFirst(mark.utf8.count))
    self.init(name: name, source: "huggingface:" + name)
    if at + 2 < parts.count, parts[at + 1].elementsEqual("snapshots".utf8) {
      revision = escaped(parts[at + 2].prefix(128))
    }
  }

  /// The first `--` stands for the slash.
  private static func separated(_ name: ArraySlice<UInt8>) -> String {
    let dash = UInt8(ascii: "-")
    var at = name.startIndex
    while at + 1 < name.endIndex {
      if name[at] == dash, name[at + 1] == dash {
        return escaped(name[..<at]) + "/" + escaped(name[(at + 2)...])
      }
      at += 1
    }
    return escaped(name)
  }

  /// The word behind the first of `options`, or behind its equals sign.
  private static func value(
    of options: [[UInt8]], in words: [ArraySlice<UInt8>]
  ) -> ArraySlice<UInt8>? {
    for (index, word) in words.enumerated() {
      for option in options {
        if word.elementsEqual(option) {
          guard index + 1 < words.count, let first = words[index + 1].first,
            first != UInt8(ascii: "-")
          else { continue }
          return words[index + 1]
        }
        if option.count > 2, word.starts(with: option), word.count > option.count + 1,
          word[word.startIndex + option.count] == UInt8(ascii: "=")
        {
          return word.dropFirst(option.count + 1)
        }
      }
    }
    return nil
  }
}
