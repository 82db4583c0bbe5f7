// Files that are dropped, and rows that are pasted, on any view.

/** Call `taken` with each file. */
export function arrivals(taken) {
  for (const name of ["dragover", "dragleave", "drop"]) {
    window.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      document.body.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) taken(event.dataTransfer.files[0], event.target);
    });
  }
  window.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (event.target.closest?.("input, textarea, dialog") || !text.trim().includes("\n")) return;
    event.preventDefault();
    taken(new File([text], "pasted rows.tsv", { type: "text/plain" }), event.target);
  });
}
