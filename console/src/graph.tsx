/** The nodes of a job and what they wait for, to look at: positions are those of the definition. */

import "@xyflow/react/dist/style.css";

import { Controls, type Edge, MarkerType, type Node, Position, ReactFlow } from "@xyflow/react";
import { useMemo } from "react";

import type { NodeDefinition } from "./api";
import { State } from "./parts";
import { texts } from "./texts";

const COLUMN = 200;
const ROW = 90;

interface GraphProps {
  nodes: NodeDefinition[];
  states?: Map<string, string>; // of an instance, by the name of the node
  onChoose?: (node: string) => void;
}

export function Graph({ nodes, states, onChoose }: GraphProps) {
  const places = useMemo(() => placesOf(nodes), [nodes]);
  const edges = useMemo(() => nodes.flatMap(edgesTo), [nodes]);
  const shown = nodes.map((node): Node => {
    const state = states?.get(node.name);
    return {
      id: node.name,
      position: places.get(node.name) ?? { x: 0, y: 0 },
      sourcePosition: Position.Right,
      targetPosition: Position.Left,
      className: `node node-${state ?? "none"}`,
      data: { label: <Label node={node} state={state} /> },
    };
  });
  return (
    <div className="graph" role="group" aria-label={texts.graph.label}>
      <ReactFlow
        nodes={shown}
        edges={edges}
        colorMode="system"
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.1 }}
        minZoom={0.1}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        zoomOnScroll={false}
        preventScrolling={false}
        disableKeyboardA11y
        onNodeClick={(_, node) => onChoose?.(node.id)}
      >
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}

function Label({ node, state }: { node: NodeDefinition; state: string | undefined }) {
  return (
    <>
      <strong title={node.name}>{node.name}</strong>
      <span>{node.type}</span>
      <State value={state} />
    </>
  );
}

const before = (node: NodeDefinition): string[] => node.preNodeName ?? [];

/** What must hold for a node to run after another one; undefined where nothing must. */
export const conditionOf = (node: NodeDefinition, source: string): string | undefined =>
  node.conditions?.find((each) => each.preNodeName === source)?.expression || undefined;

function edgesTo(node: NodeDefinition): Edge[] {
  return before(node).map((source) => {
    return {
      id: `${source}→${node.name}`,
      source,
      target: node.name,
      label: conditionOf(node, source) && texts.graph.condition,
      markerEnd: { type: MarkerType.ArrowClosed },
    };
  });
}

/** The places of a definition; columns by what comes after what where it has none, or the same for several nodes. */
function placesOf(nodes: NodeDefinition[]): Map<string, { x: number; y: number }> {
  const given = nodes.map(({ location }) => ({ x: Number(location?.x ?? NaN), y: Number(location?.y ?? NaN) }));
  const distinct = new Set(given.map(({ x, y }) => `${Math.round(x)} ${Math.round(y)}`)).size === nodes.length;
  if (distinct && given.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))) {
    return new Map(nodes.map((node, index) => [node.name, given[index] ?? { x: 0, y: 0 }]));
  }
  return inColumns(nodes);
}

function inColumns(nodes: NodeDefinition[]): Map<string, { x: number; y: number }> {
  const columns = new Map(nodes.map((node) => [node.name, 0]));
  for (let round = 0; round < nodes.length; round += 1) {
    for (const node of nodes) {
      const column = Math.max(0, ...before(node).map((name) => (columns.get(name) ?? -1) + 1));
      columns.set(node.name, Math.min(column, nodes.length));
    }
  }
  const rows = new Map<number, number>();
  return new Map(
    nodes.map(({ name }) => {
      const column = columns.get(name) ?? 0;
      const row = rows.get(column) ?? 0;
      rows.set(column, row + 1);
      return [name, { x: column * COLUMN, y: row * ROW }];
    }),
  );
}
