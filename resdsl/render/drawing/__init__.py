"""Drawing with Graphviz: places, colours, widths of text, and the files that come out."""
