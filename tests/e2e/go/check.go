// Checks a bundle of phasegate with nothing but public modules: the signature of its checkpoint, every entry under its
// tiles, inclusion proofs, and consistency with an older checkpoint. It knows nothing of what the entries say.
//
//	check BUNDLE VKEY [OLD-CHECKPOINT]
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if err := check(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

func check(words []string) error {
	bundle, vkey := words[0], words[1]
	tree, err := readCheckpoint(filepath.Join(bundle, "checkpoint"), vkey)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles{bundle})
	entries, err := checkEntries(bundle, tree, reader)
	if err != nil {
		return err
	}
	proofs, err := checkProofs(tree, reader, entries)
	if err != nil {
		return err
	}
	if len(words) > 2 {
		old, err := readCheckpoint(words[2], vkey)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, old.N, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
			return fmt.Errorf("the log of %d does not extend that of %d: %w", tree.N, old.N, err)
		}
	}
	fmt.Printf("%d entries, %d proofs, root %x\n", len(entries), proofs, tree.Hash[:])
	return nil
}

// readCheckpoint opens a signed note and reads its three lines.
func readCheckpoint(path, vkey string) (tlog.Tree, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%s: %w", path, err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("%s: not a checkpoint of %s", path, verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("%s: root %q", path, lines[2])
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

// tiles reads tiles where C2SP tlog-tiles puts them: tile/<L>/<N>[.p/<W>].
type tiles struct{ bundle string }

func (t tiles) Height() int                     { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, 0, len(wanted))
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(t.bundle, path(strconv.Itoa(tile.L), tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func path(level string, n int64, width int) string {
	name := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		name = fmt.Sprintf("x%03d/%s", n%1000, name)
	}
	if width != 256 {
		name = fmt.Sprintf("%s.p/%d", name, width)
	}
	return filepath.Join("tile", level, name)
}

// checkEntries reads every bundle of entries and compares each entry with the hash that the tiles, authenticated by the
// root, have for it.
func checkEntries(bundle string, tree tlog.Tree, reader tlog.HashReader) ([][]byte, error) {
	var entries [][]byte
	for n := int64(0); n*256 < tree.N; n++ {
		width := min(int64(256), tree.N-n*256)
		data, err := os.ReadFile(filepath.Join(bundle, path("entries", n, int(width))))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			length := int(binary.BigEndian.Uint16(data))
			entries, data = append(entries, data[2:2+length]), data[2+length:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("%d bytes after the entries of bundle %d", len(data), n)
		}
	}
	indexes := make([]int64, len(entries))
	for i := range entries {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	hashes, err := reader.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	for i, entry := range entries {
		if leaf := tlog.RecordHash(entry); !bytes.Equal(leaf[:], hashes[i][:]) {
			return nil, fmt.Errorf("entry %d has leaf %x, its tile says %x", i, leaf[:], hashes[i][:])
		}
	}
	return entries, nil
}

func checkProofs(tree tlog.Tree, reader tlog.HashReader, entries [][]byte) (int, error) {
	count := 0
	for i := 0; i < len(entries); i += 1 + len(entries)/50 {
		proof, err := tlog.ProveRecord(tree.N, int64(i), reader)
		if err != nil {
			return count, err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), tlog.RecordHash(entries[i])); err != nil {
			return count, err
		}
		count++
	}
	return count, nil
}
