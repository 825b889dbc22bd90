import Glibc
import Grants
import Provenance
import Scratch
import Testing

/// Applications around a library, which only the virtual environment names.
@Suite struct PythonPackageTests {
  private let scratch = Scratch()
  private var venv: String { "\(scratch.path)/venv" }

  init() {
    for folder in [
      "venv", "venv/bin", "venv/lib", "venv/lib/python3.11", "venv/lib/python3.11/site-packages",
      "venv/lib/python3.11/site-packages/metagpt-0.8.2.dist-info",
      "venv/lib/python3.11/site-packages/Metaphor_Python-0.1.23.dist-info",
    ] {
      scratch.folder(folder)
    }
    scratch.file("venv/pyvenv.cfg", 0o644, text: "home = /usr/bin\n")
  }

  private func judge(
    _ words: [String], environment: [String] = [], folder: String? = nil
  ) throws -> Attribution {
    let host = try MadeProc(try AgentSignatures.shipped())
    host.put(
      70, parent: 1, "/usr/bin/python3.11", words, environment: environment, uid: 1000,
      login: 1000, session: 5, start: 30)
    if let folder { symlink(folder, "\(host.root)/70/cwd") }
    defer { unlink("\(host.root)/70/cwd") }
    host.table.start(.fed)
    return host.judge(70)
  }

  @Test("An application in an environment that has the package is likely the agent")
  func application() throws {
    for (words, environment, folder) in [
      (["\(venv)/bin/python3", "main.py"], [], nil),
      (["\(venv)/bin/python", "-m", "ipykernel_launcher"], [], nil),
      (["python3", "main.py"], ["VIRTUAL_ENV=\(venv)"], nil),
      (["./venv/bin/python3", "/srv/main.py"], [], scratch.path),
    ] as [([String], [String], String?)] {
      let found = try judge(words, environment: environment, folder: folder)
      #expect(found.agent?.name == "metagpt", "\(words)")
      #expect(found.confidence == .weak)
      #expect(found.because.contains { $0.contains("package metagpt in the virtual environment") })
    }
    let both = try judge(["\(venv)/bin/python3", "main.py"])
    #expect(both.agent?.chain.sorted() == ["metagpt", "metaphor"])
  }

  @Test("Tools of the environment, prompts and programs outside it are nobody's")
  func others() throws {
    for words in [
      ["\(venv)/bin/python3", "\(venv)/bin/pip", "install", "x"],
      ["\(venv)/bin/python3", "-m", "pip", "install", "x"], ["\(venv)/bin/python3"],
      ["/usr/bin/python3", "main.py"], ["python3", "main.py"],
      ["\(scratch.path)/bin/python3", "main.py"],
    ] {
      #expect(try judge(words).agent == nil, "\(words)")
    }
  }

  @Test("A script around transformers runs the model whose weights it has mapped")
  func mappedModel() throws {
    let packages = "venv/lib/python3.11/site-packages"
    scratch.folder("\(packages)/transformers-4.45.0.dist-info")
    scratch.folder("models--meta-llama--Llama-3.1-8B-Instruct")
    scratch.folder("models--meta-llama--Llama-3.1-8B-Instruct/snapshots")
    scratch.folder("models--meta-llama--Llama-3.1-8B-Instruct/snapshots/0e9e39f2")
    let host = try MadeProc(try AgentSignatures.shipped())
    host.put(
      70, parent: 1, "/usr/bin/python3.11", ["\(venv)/bin/python3", "serve.py"], uid: 1000,
      login: 1000, start: 30)
    let maps = try #require(fopen("\(host.root)/70/maps", "w"))
    defer { unlink("\(host.root)/70/maps") }
    fputs(
      """
      7f0000000000-7f0000001000 r--p 00000000 fd:01 1 /usr/lib/libc.so.6
      7f0000001000-7f0000002000 r--s 00000000 fd:01 2 \(scratch.path)/\
      models--meta-llama--Llama-3.1-8B-Instruct/blobs/2b1879f356aed350030bb40eb45ad362

      """, maps)
    fclose(maps)
    host.table.start(.fed)
    let name = "meta-llama/Llama-3.1-8B-Instruct"
    #expect(
      host.table.localModel(uid: 1000)?.model
        == ModelReference(name: name, source: "huggingface:\(name)", revision: "0e9e39f2"))
  }

  @Test("An environment behind a link is not looked into")
  func link() throws {
    symlink(venv, "\(scratch.path)/link")
    #expect(try judge(["\(scratch.path)/link/bin/python3", "main.py"]).agent == nil)
  }
}
