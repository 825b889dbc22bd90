import Glibc
import Grants
import Provenance
import Testing

/// Which model a program runs, and for whom.
@Suite struct ModelTests {
  private static let llama = "meta-llama/Llama-3.1-8B-Instruct"
  private static let commit = "0e9e39f249a16976918f6564b8830bc894c89659"

  static let lines: [(executable: String, line: String, model: ModelReference)] = [
    (
      "/usr/bin/python3.11", "/v/bin/python3 /v/bin/vllm serve \(llama) --revision main",
      ModelReference(name: llama, source: "huggingface:\(llama)", revision: "main")
    ),
    (
      "/usr/bin/python3.11",
      "/v/bin/python3 -m vllm.entrypoints.openai.api_server --model=\(llama) --port 8000",
      ModelReference(name: llama, source: "huggingface:\(llama)")
    ),
    (
      "/usr/bin/python3.11",
      "/v/bin/python3 /v/bin/vllm serve /home/a/.cache/huggingface/hub/"
        + "models--meta-llama--Llama-3.1-8B-Instruct/snapshots/\(commit)",
      ModelReference(name: llama, source: "huggingface:\(llama)", revision: commit)
    ),
    (
      "/opt/llama/llama-server", "llama-server -m /models/Llama-3.1-8B-Instruct-Q4_K_M.gguf",
      ModelReference(
        name: "Llama-3.1-8B-Instruct-Q4_K_M.gguf",
        source: "file:/models/Llama-3.1-8B-Instruct-Q4_K_M.gguf")
    ),
    (
      "/opt/llama/llama-cli", "llama-cli -hf bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M",
      ModelReference(
        name: "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M",
        source: "huggingface:bartowski/Meta-Llama-3.1-8B-Instruct-GGUF")
    ),
    (
      "/usr/local/bin/ollama", "ollama run llama3.1:8b-instruct",
      ModelReference(name: "llama3.1:8b-instruct")
    ),
    (
      "/usr/local/bin/ollama",
      "ollama runner --model /usr/share/ollama/.ollama/models/blobs/"
        + "sha256-667b0c1932bc6ffc593ed1d03f895bf2dc8dc6df21db3042284a6f4416b06a29 --port 1",
      ModelReference(
        name: "sha256-667b0c1932bc", source: "ollama",
        revision: "sha256-667b0c1932bc6ffc593ed1d03f895bf2dc8dc6df21db3042284a6f4416b06a29")
    ),
  ]

  private func host(_ line: String, _ executable: String, uid: UInt32 = 1000) throws -> MadeProc {
    let host = try MadeProc(try AgentSignatures.shipped())
    host.put(
      60, parent: 1, executable, line.split(separator: " ").map(String.init), uid: uid, login: uid,
      start: 20)
    return host
  }

  @Test("A runner's command line names the model, its source and its revision", arguments: lines)
  func runner(_ executable: String, _ line: String, _ model: ModelReference) throws {
    let host = try host(line, executable)
    host.table.start(.fed)
    #expect(host.table.localModel(uid: 1000)?.model == model)
    #expect(host.table.localModel(uid: 1001) == nil)
    host.exit(60)
    #expect(host.table.localModel(uid: 1000) == nil)
  }

  @Test("An agent that names no model has that of the one runner of its user, as a guess")
  func guess() throws {
    let host = try host("llama-server -hf x/llama", "/opt/llama-server")
    host.put(
      70, parent: 1, "/usr/bin/python3.11", ["/v/bin/python3", "/v/bin/metagpt", "a game"],
      uid: 1000, login: 1000, start: 30)
    host.table.start(.fed)
    var found = host.judge(70)
    #expect(found.agent?.model == "x/llama")
    #expect(
      found.because.contains {
        $0.contains("a guess") && $0.contains("llama.cpp(60) runs here for alice")
      })
    host.fork(1, 80)
    host.put(
      80, parent: 1, "/usr/bin/ollama", ["ollama", "run", "other"], uid: 1000, login: 1000)
    host.exec(80)
    found = host.judge(70)
    #expect(found.agent?.model == nil)
    #expect(found.agent?.name == "metagpt")
  }

  @Test("Agents of a vendor with models of its own are not guessed at")
  func vendor() throws {
    let host = try host("llama-server -hf x/llama", "/opt/llama-server")
    host.put(70, parent: 1, "/usr/bin/codex", ["codex"], uid: 1000, login: 1000, start: 30)
    host.put(
      71, parent: 1, "/usr/bin/claude", ["claude"], environment: ["ANTHROPIC_MODEL=opus"],
      uid: 1000, login: 1000, start: 30)
    host.put(
      72, parent: 1, "/usr/bin/codex", ["codex", "-m", "gpt", "--yolo"], uid: 1000, login: 1000,
      start: 30)
    host.table.start(.fed)
    #expect(host.judge(70).agent?.model == nil)
    #expect(host.judge(71).agent?.model == "opus")
    let found = host.judge(72)
    #expect(found.agent?.model == "gpt")
    #expect(found.skipsPermissions)
    #expect(found.because.contains("an agent asks nobody before it acts: --yolo"))
  }

  @Test("Options of two words count together only")
  func twoWords() throws {
    for (line, skips) in [
      (["codex", "--ask-for-approval", "never"], true),
      (["codex", "exec", "never"], false), (["codex", "-a", "on-request"], false),
    ] {
      let host = try MadeProc(try AgentSignatures.shipped())
      host.put(70, parent: 1, "/usr/bin/codex", line, uid: 1000, login: 1000, start: 30)
      host.table.start(.fed)
      #expect(host.judge(70).skipsPermissions == skips, "\(line)")
    }
  }
}
